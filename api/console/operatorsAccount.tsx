import { randomUUID } from 'node:crypto';
import type { z } from '@hono/zod-openapi';
import { formatCredits } from '../../contracts/money.ts';
import type { AccountDetails } from '../admin/accounts/objects.ts';
import type { AdminVideo } from '../admin/generations/objects.ts';
import type { KeyAndSpending } from '../admin/keys/objects.ts';
import type { Transactions } from '../credits/objects.ts';
import type { ConsoleDependencies, Handler } from './deps.ts';
import { ask, PREFIX } from './forward.ts';
import { KeysTable } from './operatorsKeys.tsx';
import { OperatorsVideos } from './operatorsVideos.tsx';
import { render } from './page.tsx';
import { Amount, Figure, Notice, Time } from './parts.tsx';
import { StatementTable } from './statement.tsx';

interface List<Item> {
  readonly data: readonly Item[];
}

/** An account as an operator sees it: its credits, its keys and their limits, its newest videos and movements. */
export function operatorsAccountPage({ api }: ConsoleDependencies): Handler {
  return async (c) => {
    const path = `/admin/accounts/${encodeURIComponent(c.req.param('id') ?? '')}`;
    const account = await ask<AccountDetails>(api, c, path);
    const [keys, videos, statement] = await Promise.all([
      ask<List<z.infer<typeof KeyAndSpending>>>(api, c, `${path}/keys?limit=50`),
      ask<List<z.infer<typeof AdminVideo>>>(api, c, `${path}/videos?limit=10`),
      ask<z.infer<typeof Transactions>>(api, c, `${path}/transactions?limit=20`),
    ]);
    const children = (
      <div class="operate">
        <p>
          <a href={`${PREFIX}/operate`}>Operate</a>
        </p>
        <h1>{account.name}</h1>
        {account.frozen_at !== null && (
          <Notice tone="bad">
            Frozen since <Time at={account.frozen_at} />: {account.frozen_reason}
          </Notice>
        )}
        <AccountFigures account={account} />
        <section aria-labelledby="grant-title" class="panel">
          <h2 id="grant-title">Grant credits</h2>
          <GrantForm accountId={account.id} />
        </section>
        <section aria-labelledby="keys" class="panel">
          <h2 id="keys">API keys</h2>
          <KeysTable keys={keys.data} />
        </section>
        <section aria-labelledby="newest" class="panel">
          <h2 id="newest">Newest videos</h2>
          <OperatorsVideos videos={videos.data} />
        </section>
        <section aria-labelledby="movements" class="panel">
          <h2 id="movements">Newest movements</h2>
          <StatementTable statement={statement} videosAt={`${PREFIX}/operate/videos`} />
        </section>
      </div>
    );
    return render(c, { title: account.name, session: 'operator', children });
  };
}

function AccountFigures({ account }: { readonly account: AccountDetails }) {
  return (
    <dl class="figures big">
      <Figure name="Available">
        <Amount credits={formatCredits(account.available_microcredits)} />
      </Figure>
      <Figure name="Reserved">
        <Amount credits={formatCredits(account.held_microcredits)} />
      </Figure>
      <Figure name="Active generations">
        {account.active_generations} of {account.max_active_generations}
      </Figure>
    </dl>
  );
}

function GrantForm({ accountId }: { readonly accountId: string }) {
  return (
    <form id="grant" class="filters" data-account={accountId}>
      <input type="hidden" name="idempotency_key" value={randomUUID()} />
      <label>
        Credits
        <input name="amount" inputmode="decimal" required pattern="-?[0-9]{1,9}([.][0-9]{1,6})?" placeholder="10" />
      </label>
      <label class="wide">
        Reason, which the customer reads
        <input name="reason" required maxlength={500} placeholder="Invoice 2026-0042" />
      </label>
      <button>Grant</button>
      <p role="status" class="said" data-said></p>
    </form>
  );
}
