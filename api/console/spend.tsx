import { formatCredits } from '../../contracts/money.ts';
import type { DaysSpend } from '../../ledger/index.ts';
import { Amount } from './parts.tsx';

const DAYS = 30;
const DAY_MS = 86_400_000;

/** What was charged on each of the last thirty days: a chart, made from a table that is there for those who don't see it. */
export function SpendByDay({ days }: { readonly days: readonly DaysSpend[] }) {
  const spent = new Map(days.map(({ day, chargedMicrocredits }) => [day, chargedMicrocredits]));
  const sinceMs = spendSince().getTime();
  const all = Array.from({ length: DAYS }, (_, index) => {
    const day = new Date(sinceMs + index * DAY_MS).toISOString().slice(0, 10);
    return { day, microcredits: spent.get(day) ?? 0 };
  });
  const total = all.reduce((sum, { microcredits }) => sum + microcredits, 0);
  return (
    <section aria-labelledby="spend" class="panel">
      <h2 id="spend">
        Spent in {DAYS} days: <Amount credits={formatCredits(total)} />
      </h2>
      <div class="chart" data-chart="spend-table" aria-hidden="true"></div>
      <details>
        <summary>As a table</summary>
        <table id="spend-table" class="narrow-table">
          <thead>
            <tr>
              <th scope="col">Day (UTC)</th>
              <th scope="col" class="number">
                Credits
              </th>
            </tr>
          </thead>
          <tbody>
            {all.map(({ day, microcredits }) => (
              <tr data-value={String(microcredits / 1_000_000)}>
                <th scope="row">{day}</th>
                <td class="number">
                  <Amount credits={formatCredits(microcredits)} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </section>
  );
}

/** The beginning of the first day that is shown. */
export function spendSince(): Date {
  return new Date((Math.floor(Date.now() / DAY_MS) - DAYS + 1) * DAY_MS);
}
