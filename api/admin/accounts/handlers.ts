import type { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { v7 as uuidv7 } from 'uuid';
import { accountId, isAccountId } from '../../../contracts/ids.ts';
import type { Ledger } from '../../../ledger/index.ts';
import { refuseTooBroad } from '../../generations/tooBroad.ts';
import type { ApiDependencies, Env } from '../../http/deps.ts';
import { ApiError, invalid, notFound } from '../../http/errors.ts';
import { keyReused, markReplayed, requireIdempotencyKey } from '../../http/idempotencyKey.ts';
import { toPage } from '../../http/listing.ts';
import type { OnceDependencies } from '../../http/once.ts';
import { answerOnce } from '../../http/once.ts';
import { unixSeconds } from '../../http/schemas.ts';
import type { Account, AccountDetails, AccountFrozen, Freeze, Grant, GrantCredits, NewAccount } from './objects.ts';
import { toAccountDetails, toAccountStanding } from './objects.ts';

type Dependencies = Pick<ApiDependencies, 'ledger'>;

export function createAccount(
  deps: OnceDependencies,
  c: Context<Env>,
  { name }: z.output<typeof NewAccount>,
): Promise<Account> {
  return answerOnce(deps, c, { name }, async ({ ledger }) => {
    const id = accountId(uuidv7());
    const { createdAt } = await ledger.openAccount(id, name);
    return { id, object: 'account' as const, name, created_at: unixSeconds(createdAt) };
  });
}

export async function listAccounts(
  { ledger }: Dependencies,
  { limit, after = '', name }: { limit: number; after?: string | undefined; name?: string | undefined },
) {
  const listed = await ledger
    .listAccounts(after, limit + 1, name)
    .catch(refuseTooBroad('accounts', 'Ask for the account by its id.'));
  return toPage(listed, limit, toAccountStanding);
}

export async function getAccount({ ledger }: Dependencies, id: string): Promise<AccountDetails> {
  requireAccountId(id);
  const [account, last, totals] = await Promise.all([
    ledger.getAccount(id),
    ledger.getLastGeneration(id),
    ledger.getTotals(id),
  ]);
  if (account === undefined) throw notFound('This account');
  return toAccountDetails(account, last, totals);
}

export async function freezeAccount(
  { ledger }: Dependencies,
  c: Context<Env>,
  id: string,
  { frozen, reason }: z.output<typeof Freeze>,
): Promise<AccountFrozen> {
  const idempotencyKey = requireIdempotencyKey(c.req.header('idempotency-key'));
  requireAccountId(id);
  const { outcome, replayed } = await ledger.setAccountFrozen({ accountId: id, frozen, reason, idempotencyKey });
  if (outcome === 'unknown_account') throw notFound('This account');
  if (outcome === 'key_reused') throw keyReused();
  if (replayed) markReplayed(c);
  return { id, object: 'account', frozen: outcome === 'frozen' || outcome === 'already_frozen', outcome };
}

export async function grantCredits(
  { ledger }: Dependencies,
  c: Context<Env>,
  id: string,
  { amount_microcredits: amountMicrocredits, reason }: z.output<typeof GrantCredits>,
): Promise<Grant> {
  const idempotencyKey = requireIdempotencyKey(c.req.header('idempotency-key'));
  requireAccountId(id);
  const granted = await ledger.grantCredits({ accountId: id, amountMicrocredits, reason, idempotencyKey });
  if (granted.outcome !== 'granted') throw grantRefused(granted.outcome);
  if (granted.replayed) markReplayed(c);
  return {
    object: 'grant',
    transaction_id: granted.transactionId,
    account_id: id,
    amount_microcredits: granted.movedMicrocredits,
    available_microcredits: granted.availableMicrocredits,
  };
}

/** Raises `not_found` for a path segment that cannot be the id of an account. */
export function requireAccountId(id: string): void {
  if (!isAccountId(id)) throw notFound('This account');
}

/** The id of an account that there is. Raises `not_found`. */
export async function requireAccount({ ledger }: Dependencies, id: string): Promise<string> {
  requireAccountId(id);
  if (!(await ledger.accountExists(id))) throw notFound('This account');
  return id;
}

type GrantRefusal = Exclude<Awaited<ReturnType<Ledger['grantCredits']>>['outcome'], 'granted'>;

function grantRefused(outcome: GrantRefusal): ApiError {
  switch (outcome) {
    case 'unknown_account':
      return notFound('This account');
    case 'key_reused':
      return keyReused();
    case 'nothing_available':
      return new ApiError('insufficient_credits', 'This account has no available credits to claw back.');
    case 'too_large':
      return invalid('amount_microcredits', 'is too much: the balance would exceed 2^53 - 1 microcredits');
  }
}
