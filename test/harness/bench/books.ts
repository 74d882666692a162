import { verifyLedger } from '../../../ledger/index.ts';
import type { OwnAccount } from '../support/ownStack.ts';
import type { Site } from './site.ts';

/** An account whose videos are known. */
export interface Customer extends OwnAccount {
  readonly granted: number;
  /** The videos that were accepted. */
  readonly ids: string[];
}

const GRANTED = 1_000_000_000;

export async function openCustomer({ stack }: Site): Promise<Customer> {
  return { ...(await stack.openAccount(GRANTED)), granted: GRANTED, ids: [] };
}

/** What is wrong with the books, one line each: every accepted video is charged once, nothing is held, and the journal agrees. */
export async function faultsOfBooks({ database }: Site, customers: readonly Customer[]): Promise<string[]> {
  const faults: string[] = [];
  const { rows } = await database.query<{
    account: string;
    available: string;
    held: string;
    charged: string;
    captured: number;
    active: number;
  }>(
    `SELECT a.id AS account, a.available_microcredits AS available, a.held_microcredits AS held,
       coalesce(sum(h.amount_microcredits) FILTER (WHERE h.state = 'captured'), 0) AS charged,
       (count(*) FILTER (WHERE h.state = 'captured'))::integer AS captured,
       (count(*) FILTER (WHERE h.state = 'active'))::integer AS active
     FROM accounts a LEFT JOIN holds h ON h.account_id = a.id WHERE a.id = ANY($1) GROUP BY a.id`,
    [customers.map(({ id }) => id)],
  );
  for (const { id, granted, ids } of customers) {
    const row = rows.find(({ account }) => account === id);
    if (row === undefined) throw new Error(`no account ${id}`);
    const is = (what: string, found: number, wanted: number) => {
      if (found !== wanted) faults.push(`${id}: ${what} is ${found}, not ${wanted}`);
    };
    is('the number of captured holds', row.captured, ids.length);
    is('the number of active holds', row.active, 0);
    is('what is held', Number(row.held), 0);
    is('what is available', Number(row.available), granted - Number(row.charged));
  }
  const { difference } = await verifyLedger(database, () => undefined);
  if (difference !== null) faults.push(`the journal differs: ${JSON.stringify(difference)}`);
  return faults;
}
