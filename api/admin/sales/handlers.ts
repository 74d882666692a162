import type { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { ApiDependencies, Env } from '../../http/deps.ts';
import { keyReused, markReplayed, requireIdempotencyKey } from '../../http/idempotencyKey.ts';
import type { Sales, SetSales } from './objects.ts';
import { toSales } from './objects.ts';

export async function setSales(
  { ledger }: Pick<ApiDependencies, 'ledger'>,
  c: Context<Env>,
  { open, reason }: z.output<typeof SetSales>,
): Promise<Sales> {
  const change = await ledger.setSales({
    open,
    reason,
    idempotencyKey: requireIdempotencyKey(c.req.header('idempotency-key')),
  });
  if (change.outcome === 'key_reused') throw keyReused();
  if (change.replayed) markReplayed(c);
  return toSales(change);
}
