import type { TextKind } from '../contracts/ids.ts';
import type { Database } from './database.ts';
import { identitiesOf, type Limited, requestsPerMinuteOf } from './identities.ts';
import { defineGenerationList, LABELS, LABELS_COLUMNS, type Labels, listGenerationPage } from './labels.ts';
import type { Listed, Page } from './pages.ts';
import { row, rows } from './query.ts';
import { SHOWN, SHOWN_COLUMNS } from './selections.ts';
import { cases, defineStatement, t, type RowOf } from './statement.ts';

/** The columns of a text, and the tables that they are in. */
export const TEXT = `${SHOWN}, g.kind, r.request, t.output, t.input_tokens AS "inputTokens", t.output_tokens AS "outputTokens",
      t.finish_reason AS "finishReason"`;

export const FROM_TEXTS = `FROM generations g JOIN texts t ON t.generation_id = g.id JOIN holds h ON h.generation_id = g.id
      LEFT JOIN text_requests r ON r.generation_id = g.id`;

const SELECT_TEXT = `SELECT ${TEXT} ${FROM_TEXTS}`;

export const TEXT_COLUMNS = {
  ...SHOWN_COLUMNS,
  kind: t.word<TextKind>(),
  /** The request (`parseTextRequest`); null after its erasure. */
  request: t.nullable(t.jsonb<unknown>()),
  /** The text that was written and delivered so far. */
  output: t.text,
  /** The tokens that the provider billed; null if it did not report them. */
  inputTokens: t.nullable(t.bigint),
  outputTokens: t.nullable(t.bigint),
  /** Why the provider stopped writing; null if it did not say, or has not stopped. */
  finishReason: t.nullable(t.text),
};

const GET = defineStatement({
  name: 'get_text',
  text: `${SELECT_TEXT} WHERE g.id = $1 AND g.account_id = $2 AND g.deleted_at IS NULL`,
  row: TEXT_COLUMNS,
});

/** A script or a thread, with the fields that its owner may see. */
export type Text = RowOf<typeof GET>;

/** A text of this account that has or had a hold; undefined for anything else. */
export async function getText(db: Database, accountId: string, id: string): Promise<Text | undefined> {
  const [text] = await rows(db, GET, [id, accountId]);
  return text;
}

const listOf = (kind: TextKind) =>
  defineGenerationList({ name: `${kind}s`, kind, select: SELECT_TEXT, row: TEXT_COLUMNS });
const LISTS = { script: listOf('script'), thread: listOf('thread') };

/** The scripts or threads of this account that hold, or held, credits, were not deleted, and have these labels. */
export async function listTexts(
  db: Database,
  accountId: string,
  kind: TextKind,
  page: Page<string>,
  labels?: Labels,
): Promise<Listed<Text>> {
  return listGenerationPage(db, LISTS[kind], accountId, page, labels);
}

const BEGIN = defineStatement({
  name: 'begin_text',
  text: `SELECT b.outcome, b.number, b.provider, b.error_code AS "errorCode", b.model, r.request,
      b.wait_ms AS "waitMs", ${LABELS('$1')}
    FROM begin_attempt($1, $2, $3, $4) b LEFT JOIN text_requests r ON r.generation_id = $1 AND b.outcome = 'begun'`,
  row: cases('outcome', {
    begun: { number: t.integer, provider: t.text, model: t.text, request: t.jsonb<unknown>(), ...LABELS_COLUMNS },
    known: {},
    open: {},
    refused: { errorCode: t.text },
    conflict: {},
    cancelled: {},
    spent: {},
    too_late: {},
    no_provider: {},
    busy: { provider: t.text, waitMs: t.integer },
    settled: {},
  }),
});

type TextStart = RowOf<typeof BEGIN>;

/**
 * Like `beginAttempt`, of a text: commits an attempt before the call and answers with what was asked for (`parseTextRequest`), or
 * says why no call may be made. `model` is its name at the provider.
 */
export async function beginText(
  db: Database,
  generationId: string,
  configured: readonly Limited[],
  leastTimeLeftMs: number,
): Promise<TextStart> {
  const values = [generationId, identitiesOf(configured), Math.ceil(leastTimeLeftMs), requestsPerMinuteOf(configured)];
  return row(db, BEGIN, values);
}

const RECORD = defineStatement({
  name: 'record_text',
  text: 'SELECT record_text($1, $2, $3, $4) AS open',
  row: { open: t.boolean },
});

/**
 * Stores the text written so far and takes or renews the writer's lease (MR-63). False: the attempt has ended, and its writer
 * must stop. May be called any number of times, but must be called before the provider is.
 */
export async function recordText(
  db: Database,
  generationId: string,
  number: number,
  output: string,
  leaseMs: number,
): Promise<boolean> {
  const { open } = await row(db, RECORD, [generationId, number, output, leaseMs]);
  db.changed(generationId);
  return open;
}

export interface TextEnd {
  readonly output: string;
  readonly finishReason: string | null;
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number } | null;
}

const END = defineStatement({
  name: 'end_text',
  text: 'SELECT end_text($1, $2, $3, $4, $5, $6) AS ended',
  row: { ended: t.boolean },
});

/** Ends a text, once; this fixes its charge. False if the attempt had ended before. */
export async function endText(db: Database, generationId: string, number: number, end: TextEnd): Promise<boolean> {
  const { output, finishReason, usage } = end;
  const values = [generationId, number, output, finishReason, usage?.inputTokens, usage?.outputTokens];
  const { ended } = await row(db, END, values);
  db.changed(generationId);
  return ended;
}

/** `ended`: now or before. `writing`: its writer is or may be alive. `not_asked`: the provider was never called. */
export type TextClosing = 'ended' | 'writing' | 'not_asked';

const CLOSE = defineStatement({
  name: 'close_text',
  text: 'SELECT outcome FROM close_text($1)',
  row: { outcome: t.word<TextClosing>() },
});

/** Ends a text with what was delivered, if its writer's lease has run out and it did not answer a last call. */
export async function closeText(db: Database, generationId: string): Promise<TextClosing> {
  const { outcome } = await row(db, CLOSE, [generationId]);
  db.changed(generationId);
  return outcome;
}
