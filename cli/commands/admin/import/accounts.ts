import { createHash } from 'node:crypto';
import type { Account, AccountPage, Grant } from '../../../adminObjects.ts';
import { Failure } from '../../../failure.ts';
import type { Api } from '../../../http/api.ts';
import { Refusal } from '../../../http/refusal.ts';
import type { Statement } from '../../../objects.ts';
import { accountPath } from '../ids.ts';
import type { Balance } from './balances.ts';

/** By it the check knows the grants of an import. The customer reads it. */
const REASON = 'imported balance';

const PAGE = '100';

/**
 * The accounts that these users have already, by their name: a user who has signed up here, or whom an earlier run has got to,
 * gets no second one. Raises if a name is not unique: nobody could say whose balance it is.
 */
export async function findAccounts(api: Api, balances: readonly Balance[]): Promise<Map<string, string>> {
  const wanted = new Map(balances.map(({ userId, line }) => [userId, line]));
  const found = new Map<string, string>();
  for (let after: string | undefined, more = true; more;) {
    const page: AccountPage = await api.get<AccountPage>('/admin/accounts', { limit: PAGE, after });
    for (const { id, name } of page.data) {
      const line = wanted.get(name);
      if (line === undefined) continue;
      const other = found.get(name);
      if (other !== undefined)
        throw new Failure(`Line ${line}: ${other} and ${id} both have this user's name. Nothing was imported.`);
      found.set(name, id);
    }
    more = page.has_more;
    after = page.last_id ?? undefined;
  }
  return found;
}

/** Makes the account of this user, without credits, and returns its id. The key is kept for good, so two runs at once make one. */
export async function makeAccount(api: Api, { userId, line }: Balance): Promise<string> {
  const request = { method: 'POST', path: '/admin/accounts', body: { name: userId } } as const;
  const made = await api.ask<Account>({ ...request, idempotencyKey: keyOf('account', userId) }).catch(atLine(line));
  return made.id;
}

/** Grants the balance to the user's account. Its key is kept for good too, so a repeat moves nothing. */
export async function grantBalance(api: Api, id: string, { userId, line, microcredits }: Balance): Promise<void> {
  if (microcredits === 0) return;
  const body = { amount_microcredits: microcredits, reason: REASON };
  const request = { method: 'POST', path: `${accountPath(id)}/grants`, body } as const;
  await api.ask<Grant>({ ...request, idempotencyKey: keyOf('balance', userId) }).catch(atLine(line));
}

/** What imports have granted to this account, by its statement. */
export async function importedTo(api: Api, id: string): Promise<number> {
  let sum = 0;
  for (let after: string | undefined, more = true; more;) {
    const query = { kind: 'grant', limit: PAGE, after };
    const page: Statement = await api.get<Statement>(`${accountPath(id)}/transactions`, query);
    for (const { reason, available_change_microcredits: change } of page.data) if (reason === REASON) sum += change;
    more = page.has_more;
    after = page.last_id ?? undefined;
  }
  return sum;
}

function keyOf(what: string, userId: string): string {
  return `import-${what}-${createHash('sha256').update(userId).digest('hex')}`;
}

/** Names the line of a refusal, and says what has become of the others. */
function atLine(line: number): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof Refusal)) throw error;
    const why =
      error.code === 'idempotency_key_reused' ? 'Another balance was imported for this user before.' : error.message;
    throw new Failure(
      `Line ${line}: ${why} Nothing was moved for it. Repeat the command when it is mended: nothing is granted twice.`,
    );
  };
}
