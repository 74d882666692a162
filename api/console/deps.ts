import type { Context } from 'hono';
import type { ApiDependencies, Env } from '../http/deps.ts';
import type { SessionApi } from './forward.ts';
import type { SignInTries } from './tries.ts';

/** What all pages work with. */
export interface ConsoleDependencies extends ApiDependencies {
  /** What a page shows comes from here. */
  readonly api: SessionApi;
  readonly tries: SignInTries;
}

export type Handler = (c: Context<Env>) => Promise<Response>;
