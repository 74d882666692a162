import { checkContent, NotTheContent } from '../../provider/contentCheck.ts';
import type { FaultyWire } from './faultyWire.ts';
import type { Books, Standing } from './books.ts';

/** What came of one order, as the customer, the books and the wire saw it. */
export interface Seen {
  readonly standing: Standing;
  /** How many creates of its case reached the server, and how many of them it accepted. */
  readonly creates: number;
  readonly made: number;
  /** How many DELETEs of its case's videos Holdfast sent. */
  readonly deletes: number;
  /** How many looks at its case's videos were answered with a failure or a completion. */
  readonly terminalPolls: number;
  readonly error: { readonly code: string; readonly message: string } | null;
  /** What is wrong with the content that the customer gets; null when it is a whole video. */
  readonly content: string | null;
}

export async function see(books: Books, wire: FaultyWire, name: string, standing: Standing): Promise<Seen> {
  const passed = wire.of(name);
  const answered = passed.filter(({ status }) => status !== null);
  const creates = answered.filter(({ step }) => step === 'create');
  const told = answered.filter(({ step, effect, body }) => step === 'poll' && effect === null && isTerminal(body));
  const shown = (await (await books.get(`/v1/videos/${standing.id}`)).json()) as Pick<Seen, 'error'>;
  return {
    standing,
    creates: creates.length,
    made: creates.filter(({ status }) => status !== null && status < 400).length,
    deletes: passed.filter(({ step }) => step === 'delete').length,
    terminalPolls: told.length,
    error: shown.error,
    content: standing.state === 'charged' ? await contentFault(books, standing.id) : null,
  };
}

function isTerminal(body: Buffer): boolean {
  return /"status":\s*"(completed|failed)"/.test(body.toString());
}

async function contentFault(books: Books, id: string): Promise<string | null> {
  const answer = await books.get(`/v1/videos/${id}/content`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (!answer.ok) return `content is ${answer.status} ${bytes.toString().slice(0, 200)}`;
  const check = checkContent('video');
  try {
    await check.take(bytes);
    await check.end();
    return null;
  } catch (error) {
    if (error instanceof NotTheContent) return `content is no video: ${error.message}`;
    throw error;
  }
}
