import { verifyLedger } from '../../../ledger/index.ts';
import type { Tenant } from './clients.ts';
import type { Site } from './site.ts';

/** The ledger's own sums, and against what those who granted and were charged count. */

interface Book {
  readonly id: string;
  readonly available: number;
  readonly held: number;
  readonly granted: number;
  readonly charged: number;
  readonly refunded: number;
}

const BOOKS = `SELECT a.id, a.available_microcredits AS available, a.held_microcredits AS held,
    (SELECT COALESCE(sum(moved_microcredits), 0)::bigint FROM account_operations o WHERE o.account_id = a.id) AS granted,
    (SELECT COALESCE(sum(charged_amount_microcredits), 0)::bigint FROM generations g WHERE g.account_id = a.id) AS charged,
    (SELECT COALESCE(sum(r.amount_microcredits), 0)::bigint FROM refunds r JOIN generations g ON g.id = r.generation_id
      WHERE g.account_id = a.id) AS refunded
  FROM accounts a ORDER BY a.id`;

const SUMS = `SELECT (SELECT COALESCE(sum(amount_microcredits), 0)::bigint FROM journal_entries) AS journal,
  (SELECT count(*) FROM ledger_drift) AS drift, (SELECT count(*) FROM holds WHERE state = 'active') AS active`;

export async function checkBooks({ database }: Site, tenants: readonly Tenant[]): Promise<string[]> {
  const books = new Map((await database.query<Book>(BOOKS)).rows.map((book) => [book.id, book]));
  const [sums] = (await database.query<{ journal: number; drift: number; active: number }>(SUMS)).rows;
  const { difference } = await verifyLedger(database, () => undefined);
  const wrong = tenants.flatMap((tenant) => checkBook(tenant, books.get(tenant.accountId)));
  if (sums?.journal !== 0) wrong.push(`the journal sums to ${sums?.journal}`);
  if (sums?.drift !== 0) wrong.push(`ledger_drift has ${sums?.drift} rows`);
  if (sums?.active !== 0) wrong.push(`${sums?.active} holds are active`);
  if (difference !== null) wrong.push(`the ledger differs: ${JSON.stringify(difference)}`);
  return wrong;
}

function checkBook({ name, granted }: Tenant, book: Book | undefined): string[] {
  if (book === undefined) return [`${name} has no account`];
  const wrong: string[] = [];
  const { available, held, charged, refunded } = book;
  if (book.granted !== granted) wrong.push(`${name} was granted ${granted}, the ledger says ${book.granted}`);
  if (available !== granted - charged + refunded) wrong.push(`${name} has ${available} of ${granted} less ${charged}`);
  if (held !== 0) wrong.push(`${name} has ${held} held`);
  return wrong;
}
