import type { z } from '@hono/zod-openapi';
import { formatCredits } from '../../contracts/money.ts';
import type { AdminVideo } from '../admin/generations/objects.ts';
import type { EmergencyRelease, Overview } from '../admin/overview/objects.ts';
import { codeShown } from './outcome.ts';
import type { ConsoleDependencies, Handler } from './deps.ts';
import { ask, PREFIX } from './forward.ts';
import { Search } from './search.tsx';
import { OperatorsVideos } from './operatorsVideos.tsx';
import { render } from './page.tsx';
import { Amount, Figure, Notice, Time } from './parts.tsx';

/** What an operator sees at a glance. */

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
    const [overview, doctor, newest, emergencies] = await Promise.all([
      ask<Seen>(api, c, '/admin/overview'),
      ask<Doctor>(api, c, '/admin/doctor'),
      ask<List<z.infer<typeof AdminVideo>>>(api, c, '/admin/videos?limit=10'),
      ask<List<z.infer<typeof EmergencyRelease>>>(api, c, '/admin/emergency_releases?limit=10'),
    ]);
    const children = (
      <div class="operate">
        <h1>Operate</h1>
        <Search />
        {overview.sales.open ? null : <Notice tone="bad">Sales are closed: nothing new is accepted.</Notice>}
        <Figures seen={overview} />
        <Failures seen={overview} />
        <Emergencies releases={emergencies.data} />
        <Health doctor={doctor} />
        <section aria-labelledby="reconcile" class="panel">
          <h2 id="reconcile">Reconcile</h2>
          <p class="quiet">What the reconciler would do now, and why. A dry run changes nothing.</p>
          <button data-act="dry-run">Dry run</button>
          <div id="report" role="status"></div>
        </section>
        <section aria-labelledby="newest" class="panel">
          <h2 id="newest">Newest videos</h2>
          <OperatorsVideos videos={newest.data} />
        </section>
      </div>
    );
    return render(c, { title: 'Operate', session: 'operator', children });
  };
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

function Emergencies({ releases }: { readonly releases: readonly z.infer<typeof EmergencyRelease>[] }) {
  if (releases.length === 0) return null;
  return (
    <section aria-labelledby="emergencies" class="panel">
      <h2 id="emergencies">Emergency releases</h2>
      <p class="quiet">Given back because their outcome could not be recorded.</p>
      <ul class="plain-list">
        {releases.map(({ id, amount_microcredits: amount, released_at: at }) => (
          <li>
            <Time at={at} /> <a href={`${PREFIX}/operate/videos/${id}`}>…{id.slice(-12)}</a>{' '}
            <Amount credits={formatCredits(amount)} /> credits
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
