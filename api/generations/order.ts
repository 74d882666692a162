import type { Admission, AnyAdmission, KeptAnswer } from '../../ledger/index.ts';
import type { FieldNames } from './refusedField.ts';

/** A request for a generation, whatever its kind. */
export interface Order {
  /** The id of the generation that it would create. */
  readonly generationId: string;
  readonly fingerprint: Buffer;
  /** The client's ceiling: a higher price is refused, not reserved. Null for no ceiling. */
  readonly maxMicrocredits: number | null;
  /** The client's words for fields of a video that have two: what is refused is told by them. */
  readonly fieldNames?: FieldNames;
  readonly admit: (admission: AnyAdmission) => Promise<Admission>;
  /** Whether this generation still exists and can be shown. */
  readonly exists: (generationId: string) => Promise<boolean>;
}

/** A generation whose hold is placed, or the response that was kept for an earlier request. */
export type Started = { readonly generationId: string; readonly replayed: boolean } | { readonly kept: KeptAnswer };
