import type { z } from '@hono/zod-openapi';
import { formatCredits } from '../../contracts/money.ts';
import type { AdminVideo } from '../admin/generations/objects.ts';
import type { Overview } from '../admin/overview/objects.ts';
import { codeShown } from './outcome.ts';
import type { ConsoleDependencies, Handler } from './deps.ts';
import { ask, PREFIX } from './forward.ts';
import { OperatorsVideos } from './operatorsVideos.tsx';
import { render } from './page.tsx';
import { Amount, Figure, Notice } from './parts.tsx';

/** What an operator sees at a glance, and a search through all accounts. */

interface List<Item> {
  readonly data: readonly Item[];
}

type Seen = z.infer<typeof Overview>;

interface Doctor {
  readonly ok: boolean;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly message: string }[];
}

export function operatePage({ api }: ConsoleDependencies): Handler {
  return async (c) => {
    const [overview, doctor, failed] = await Promise.all([
      ask<Seen>(api, c, '/admin/overview'),
      ask<Doctor>(api, c, '/admin/doctor'),
      ask<List<z.infer<typeof AdminVideo>>>(api, c, '/admin/videos?limit=10'),
    ]);
    const children = (
      <div class="operate">
        <h1>Operate</h1>
        <Search />
        {overview.sales.open ? null : <Notice tone="bad">Sales are closed: nothing new is accepted.</Notice>}
        <Figures seen={overview} />
        <Failures seen={overview} />
        <Health doctor={doctor} />
        <section aria-labelledby="reconcile" class="panel">
          <h2 id="reconcile">Reconcile</h2>
          <p class="quiet">What the reconciler would do now, and why. A dry run changes nothing.</p>
          <button data-act="dry-run">Dry run</button>
          <div id="report" role="status"></div>
        </section>
        <section aria-labelledby="newest" class="panel">
          <h2 id="newest">Newest videos</h2>
          <OperatorsVideos videos={failed.data} />
        </section>
      </div>
    );
    return render(c, { title: 'Operate', session: 'operator', children });
  };
}

/** By the id of a video or an account, or by the provider's id. */
export function searchPage({ api }: ConsoleDependencies): Handler {
  return async (c) => {
    const wanted = (c.req.query('q') ?? '').trim();
    const filter = /^video_[0-9a-f]{32}$/.test(wanted)
      ? 'id'
      : /^acct_[0-9a-f]{32}$/.test(wanted)
        ? 'account_id'
        : 'provider_video_id';
    const query = new URLSearchParams({ [filter]: wanted, limit: '50' });
    const { data } =
      wanted === ''
        ? { data: [] }
        : await ask<List<z.infer<typeof AdminVideo>>>(api, c, `/admin/videos?${query.toString()}`);
    const children = (
      <div class="operate">
        <h1>Search</h1>
        <Search wanted={wanted} />
        <OperatorsVideos videos={data} />
      </div>
    );
    return render(c, { title: 'Search', session: 'operator', children });
  };
}

function Search({ wanted = '' }: { readonly wanted?: string }) {
  return (
    <form class="filters" method="get" action={`${PREFIX}/operate/search`} role="search">
      <label class="wide">
        Video, account or provider’s id
        <input type="search" name="q" value={wanted} />
      </label>
      <button>Search</button>
    </form>
  );
}

function Figures({ seen }: { readonly seen: Seen }) {
  return (
    <dl class="figures big">
      <Figure name="Active">{seen.active_generations}</Figure>
      <Figure name="Reserved">
        <Amount credits={formatCredits(seen.held_microcredits)} />
      </Figure>
      <Figure name="Stuck holds">
        <span class={seen.stuck_holds > 0 ? 'is-bad' : ''}>{seen.stuck_holds}</span>
      </Figure>
      <Figure name={`Charged today (${seen.charged_today})`}>
        <Amount credits={formatCredits(seen.charged_today_microcredits)} />
      </Figure>
      <Figure name={`Given back today (${seen.released_today})`}>
        <Amount credits={formatCredits(seen.released_today_microcredits)} />
      </Figure>
      <Figure name={`Refunded today (${seen.refunded_today})`}>
        <Amount credits={formatCredits(seen.refunded_today_microcredits)} />
      </Figure>
    </dl>
  );
}

function Failures({ seen: { failures } }: { readonly seen: Seen }) {
  return (
    <section aria-labelledby="failures" class="panel">
      <h2 id="failures">Failures in 24 hours</h2>
      {failures.length === 0 ? <p class="quiet">None.</p> : null}
      <ul class="plain-list">
        {failures.map(({ code, generations }) => (
          <li>
            <code>{codeShown(code)}</code> {generations}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Health({ doctor }: { readonly doctor: Doctor }) {
  const wrong = doctor.checks.filter(({ ok }) => !ok);
  return (
    <section aria-labelledby="doctor" class="panel">
      <h2 id="doctor">Doctor: {doctor.ok ? 'all is well' : `${wrong.length} to look at`}</h2>
      <ul class="plain-list">
        {wrong.map(({ name, message }) => (
          <li>
            <strong>{name}</strong>: {message}
          </li>
        ))}
      </ul>
      <details>
        <summary>All {doctor.checks.length} checks</summary>
        <ul class="plain-list">
          {doctor.checks.map(({ name, ok, message }) => (
            <li>
              {ok ? 'Passed' : 'Failed'} · <strong>{name}</strong>: {message}
            </li>
          ))}
        </ul>
      </details>
    </section>
  );
}
