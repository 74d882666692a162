import type { ApiDependencies } from '../../http/deps.ts';

/** What a check found: when it is not ok, what happened, what that means for credits, and what to do. Never a key or a raw error. */
export interface Finding {
  readonly ok: boolean;
  readonly message: string;
}

/** What the doctor looks at. */
export type Examined = Pick<
  ApiDependencies,
  'store' | 'ledger' | 'temporal' | 'providers' | 'archive' | 'schemaFiles' | 'log'
>;

export type Check = (deps: Examined) => Promise<Finding>;

export const well = (message: string): Finding => ({ ok: true, message });
export const ill = (message: string): Finding => ({ ok: false, message });
