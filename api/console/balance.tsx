import type { z } from '@hono/zod-openapi';
import type { Credits } from '../credits/objects.ts';
import type { ConsoleDependencies, Handler } from './deps.ts';
import { ask } from './forward.ts';
import { Amount } from './parts.tsx';

export type Balance = Pick<z.infer<typeof Credits>, 'available' | 'held' | 'held_microcredits'>;

/** What the account has, at the top of each page. */
export function BalanceLine({ balance }: { readonly balance: Balance }) {
  return (
    <p class="balance" id="balance">
      <span>
        <Amount credits={balance.available} /> <span class="quiet">available</span>
      </span>
      {balance.held_microcredits > 0 && (
        <span class="quiet held">
          <Amount credits={balance.held} /> reserved
        </span>
      )}
    </p>
  );
}

/** The line alone, for the script. */
export function balanceLine({ api }: ConsoleDependencies): Handler {
  return async (c) => c.html(<BalanceLine balance={await ask<Balance>(api, c, '/v1/credits')} />);
}
