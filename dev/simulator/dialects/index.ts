import type { Dialect } from './dialect.ts';
import { litellm } from './litellm.ts';
import { openai } from './openai.ts';
import { sglang } from './sglang.ts';
import { vllmOmni } from './vllmOmni.ts';

export type { Dialect } from './dialect.ts';

/** What SIMULATOR_DIALECT may name; the first is the default. */
export const DIALECTS: readonly Dialect[] = [openai, litellm, vllmOmni, sglang];

/** Raises RangeError when there is no such dialect. */
export function dialectCalled(name: string): Dialect {
  const dialect = DIALECTS.find((each) => each.name === name);
  if (dialect === undefined) throw new RangeError(`there is no dialect ${name}`);
  return dialect;
}
