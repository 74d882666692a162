import type { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { type Credits, MOVEMENT_KINDS, type Transactions } from '../credits/objects.ts';
import type { Env } from '../http/deps.ts';
import type { ConsoleDependencies, Handler } from './deps.ts';
import { ask, askCsv, PREFIX } from './forward.ts';
import { render } from './page.tsx';
import { Amount, Figure, Older } from './parts.tsx';
import { SpendByDay, spendSince } from './spend.tsx';
import { KIND_WORDS, StatementTable } from './statement.tsx';

/** Where the credits are, and what moved them. `caller` must be set. */

type Statement = z.infer<typeof Transactions>;

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  kind: MOVEMENT_KINDS,
  state: ['held', 'charged', 'refunded'],
};
const DAY_SECONDS = 86_400;

/** What the filters of the page ask of the API; days are by UTC, the last one included. */
function filterOf(c: Context<Env>): URLSearchParams {
  const filter = new URLSearchParams();
  const moment = (name: string) => {
    const day = c.req.query(name) ?? '';
    const seconds = DAY.test(day) ? Date.parse(`${day}T00:00:00Z`) / 1000 : NaN;
    return Number.isFinite(seconds) ? seconds : undefined;
  };
  const [from, to] = [moment('from'), moment('to')];
  if (from !== undefined) filter.set('created_after', String(from));
  if (to !== undefined) filter.set('created_before', String(to + DAY_SECONDS));
  const video = c.req.query('of') ?? '';
  if (/^(video|script|thread)_[0-9a-f]{32}$/.test(video)) filter.set('generation_id', video);
  for (const [name, known] of Object.entries(CHOICES)) {
    const chosen = c.req.query(name) ?? '';
    if (known.includes(chosen)) filter.set(name, chosen);
  }
  const model = (c.req.query('model') ?? '').trim();
  if (model !== '') filter.set('model', model);
  return filter;
}

export function creditsPage({ api, ledger }: ConsoleDependencies): Handler {
  return async (c) => {
    const filter = filterOf(c);
    const after = c.req.query('after') ?? '';
    const page = new URLSearchParams([...filter, ['limit', '50']]);
    if (/^\d+$/.test(after)) page.set('after', after);
    const balance = await ask<z.infer<typeof Credits>>(api, c, '/v1/credits');
    const [statement, days] = await Promise.all([
      ask<Statement>(api, c, `/v1/credits/transactions?${page.toString()}`),
      ledger.getSpendByDay(c.get('caller').accountId, spendSince()),
    ]);
    const children = (
      <div class="credits">
        <h1>Credits</h1>
        <dl class="figures big">
          <Figure name="Available">
            <Amount credits={balance.available} />
          </Figure>
          <Figure name="Reserved">
            <Amount credits={balance.held} />
          </Figure>
        </dl>
        <SpendByDay days={days} />
        <section aria-labelledby="statement" class="panel">
          <h2 id="statement">Statement</h2>
          <Filters c={c} />
          <StatementTable statement={statement} />
          <Older href={statement.has_more ? older(c, statement.last_id) : undefined} />
        </section>
      </div>
    );
    return render(c, { title: 'Credits', session: 'account', balance, children });
  };
}

/** The same movements for a spreadsheet. */
export function creditsCsv({ api }: ConsoleDependencies): Handler {
  return async (c) => {
    const query = new URLSearchParams([...filterOf(c), ['limit', '10000']]);
    return askCsv(api, c, `/v1/credits/transactions?${query.toString()}`, 'statement.csv');
  };
}

function older(c: Context<Env>, lastId: string | null): string {
  const query = new URLSearchParams(c.req.query());
  query.set('after', lastId ?? '');
  return `${PREFIX}/credits?${query.toString()}`;
}

function Filters({ c }: { readonly c: Context<Env> }) {
  const query = new URLSearchParams(c.req.query());
  query.delete('after');
  return (
    <form class="filters" method="get" action={`${PREFIX}/credits`}>
      <label>
        From
        <input type="date" name="from" value={c.req.query('from') ?? ''} />
      </label>
      <label>
        To
        <input type="date" name="to" value={c.req.query('to') ?? ''} />
      </label>
      <label>
        Kind
        <Select name="kind" chosen={c.req.query('kind')} words={KIND_WORDS} />
      </label>
      <label>
        Status
        <Select name="state" chosen={c.req.query('state')} words={STATE_WORDS} />
      </label>
      <label>
        Model
        <input type="text" name="model" value={c.req.query('model') ?? ''} placeholder="any" />
      </label>
      <label class="wide">
        Of video, script or thread
        <input type="text" name="of" value={c.req.query('of') ?? ''} placeholder="video_…" />
      </label>
      <button>Show</button>
      <a class="button" href={`${PREFIX}/credits.csv?${query.toString()}`} download="statement.csv">
        CSV
      </a>
    </form>
  );
}

const STATE_WORDS = { held: 'Reserved', charged: 'Charged', refunded: 'Given back' };

interface Choosing {
  readonly name: string;
  readonly chosen: string | undefined;
  readonly words: Readonly<Record<string, string>>;
}

function Select({ name, chosen, words }: Choosing) {
  return (
    <select name={name}>
      <option value="">any</option>
      {Object.entries(words).map(([value, word]) => (
        <option value={value} {...(value === chosen ? { selected: true } : {})}>
          {word}
        </option>
      ))}
    </select>
  );
}
