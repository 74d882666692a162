import type { z } from '@hono/zod-openapi';
import { formatCredits } from '../../contracts/money.ts';
import type { Transactions } from '../credits/objects.ts';
import { PREFIX } from './forward.ts';
import { Amount, Figure, Time } from './parts.tsx';

type Statement = z.infer<typeof Transactions>;
type Line = Statement['data'][number];

export const KIND_WORDS: Record<Line['kind'], string> = {
  grant: 'Credits added',
  claw_back: 'Credits taken back',
  hold: 'Reserved',
  capture: 'Charged',
  release: 'Given back',
  refund: 'Refunded',
};

interface Shown {
  readonly statement: Statement;
  /** Below which address the pages of videos are. */
  readonly videosAt?: string;
}

/** The movements, the newest first, and what they come to. */
export function StatementTable({ statement: { data, totals }, videosAt = `${PREFIX}/videos` }: Shown) {
  return (
    <>
      <dl class="figures">
        <Figure name="Added">
          <Amount credits={formatCredits(totals.granted_microcredits - totals.clawed_back_microcredits)} />
        </Figure>
        <Figure name="Charged">
          <Amount credits={formatCredits(totals.charged_microcredits)} />
        </Figure>
        <Figure name="Refunded">
          <Amount credits={formatCredits(totals.refunded_microcredits)} />
        </Figure>
      </dl>
      {data.length === 0 ? (
        <p class="quiet">No movements match.</p>
      ) : (
        <div class="scrolls" tabindex={0} role="region" aria-label="Movements of credits">
          <table>
            <thead>
              <tr>
                <th scope="col">What</th>
                <th scope="col" class="number">
                  Available
                </th>
                <th scope="col" class="number">
                  Reserved
                </th>
                <th scope="col" class="number">
                  Charged
                </th>
              </tr>
            </thead>
            <tbody>
              {data.map((line) => (
                <Row line={line} videosAt={videosAt} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function Row({ line, videosAt }: { readonly line: Line; readonly videosAt: string }) {
  return (
    <tr>
      <td>
        {KIND_WORDS[line.kind]} <Subject id={line.generation_id} videosAt={videosAt} />
        {line.reason !== null && <span class="quiet"> {line.reason}</span>}
        <span class="when quiet small">
          <Time at={line.created_at} />
        </span>
      </td>
      <Change credits={line.available_change} />
      <Change credits={line.held_change} />
      <Change credits={line.charged} />
    </tr>
  );
}

function Subject({ id, videosAt }: { readonly id: string | null; readonly videosAt: string }) {
  if (id === null) return null;
  const short = `${id.slice(0, id.indexOf('_') + 1)}…${id.slice(-6)}`;
  return id.startsWith('video_') ? <a href={`${videosAt}/${id}`}>{short}</a> : <span>{short}</span>;
}

function Change({ credits }: { readonly credits: string }) {
  const isNothing = /^-?0\.0+$/.test(credits);
  return (
    <td class="number">
      {isNothing ? '' : credits.startsWith('-') ? null : '+'}
      {isNothing ? null : <Amount credits={credits.replace('-', '−')} />}
    </td>
  );
}
