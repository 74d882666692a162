import type { Capabilities, Dialect } from './dialect.ts';
import { litellm } from './litellm.ts';
import { openai } from './openai.ts';
import { sglang } from './sglang.ts';
import { vllmOmni } from './vllmOmni.ts';

export { LIST_KINDS } from './dialect.ts';
export type { Capabilities, CreateEncoding, Dialect, ListKind } from './dialect.ts';

const NAMED = [openai, litellm, vllmOmni, sglang];

/**
 * For a server that nobody has named: reads whatever any dialect says, and asks for nothing that only one takes. Its list proves
 * nothing, because it may be one replica's; an answer that is recognised as a named dialect's is read as that.
 */
const auto: Dialect = {
  ...openai,
  name: 'auto',
  source: 'all the others',
  isSentBy: null,
  list: { ...openai.list, kind: 'partial' },
  failure: {
    fields: ['error', 'fail_reason', 'failure_reason', 'error_message', 'last_error'],
    codeIsStatus: true,
  },
  content: {
    variants: openai.content.variants,
    elsewhere: (body) => NAMED.map(({ content }) => content.elsewhere(body)).find((url) => url !== null) ?? null,
  },
};

export const DIALECTS: readonly Dialect[] = [auto, ...NAMED];

/** The dialect of this name; undefined when there is none. */
export function dialectCalled(name: string): Dialect | undefined {
  return DIALECTS.find((dialect) => dialect.name === name);
}

/** The dialect of one answer: what `auto` recognises by the headers; a dialect that was named is not second-guessed. */
export function dialectOf(dialect: Dialect, headers: Headers): Dialect {
  if (dialect !== auto) return dialect;
  return NAMED.find(({ isSentBy }) => isSentBy?.(headers) === true) ?? auto;
}

/** What a provider of this dialect can; `can` says where this very one differs. */
export function capabilitiesOf(dialect: Dialect, can: Partial<Capabilities> = {}): Capabilities {
  return {
    list: can.list ?? dialect.list.kind,
    listShowsPrompts: can.listShowsPrompts ?? dialect.list.showsPrompts,
    // It deletes what may be finished by then, so the operator decides.
    cancel: can.cancel === true && dialect.cancel !== null,
    webhooks: can.webhooks ?? dialect.webhooks,
  };
}
