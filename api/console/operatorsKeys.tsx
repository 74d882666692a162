import type { z } from '@hono/zod-openapi';
import { formatCredits } from '../../contracts/money.ts';
import type { KeyAndSpending } from '../admin/keys/objects.ts';
import { Time } from './parts.tsx';

type Key = z.infer<typeof KeyAndSpending>;

/** The keys of an account, and what each may spend and do. */
export function KeysTable({ keys }: { readonly keys: readonly Key[] }) {
  if (keys.length === 0) return <p class="quiet">None.</p>;
  return (
    <div class="scrolls" tabindex={0} role="region" aria-label="API keys">
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Standing</th>
            <th scope="col">Scopes</th>
            <th scope="col">Spent today</th>
            <th scope="col">Spent this month</th>
            <th scope="col" class="number">
              A minute
            </th>
          </tr>
        </thead>
        <tbody>
          {keys.map((key) => (
            <tr>
              <td>{key.name}</td>
              <td>
                <Standing apiKey={key} />
              </td>
              <td>{key.scopes.length === 7 ? 'all' : key.scopes.join(', ')}</td>
              <td>{spent(key.spending?.today_microcredits, key.daily_limit_microcredits)}</td>
              <td>{spent(key.spending?.this_month_microcredits, key.monthly_limit_microcredits)}</td>
              <td class="number">{key.requests_per_minute ?? 'as set'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Standing({ apiKey: { revoked_at: revoked, expires_at: expires } }: { readonly apiKey: Key }) {
  if (revoked !== null) {
    return (
      <span>
        Revoked <Time at={revoked} />
      </span>
    );
  }
  if (expires === null) return <span>Valid</span>;
  return (
    <span>
      {expires * 1000 > Date.now() ? 'Expires' : 'Expired'} <Time at={expires} />
    </span>
  );
}

/** Only a key with a limit has its spending counted. */
function spent(microcredits: number | undefined, limit: number | null): string {
  if (microcredits === undefined) return 'no limit';
  const most = limit === null ? 'no limit' : `of ${formatCredits(limit)}`;
  return `${formatCredits(microcredits)} ${most}`;
}
