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

/** The movements, the newest first, and what they come to. */
export function StatementTable({ statement: { data, totals } }: { readonly statement: Statement }) {
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
                <Row line={line} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function Row({ line }: { readonly line: Line }) {
  return (
    <tr>
      <td>
        {KIND_WORDS[line.kind]} <Subject line={line} />
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

function Subject({ line: { generation_id: id } }: { readonly line: Line }) {
  if (id === null) return null;
  const short = `${id.slice(0, id.indexOf('_') + 1)}…${id.slice(-6)}`;
  return id.startsWith('video_') ? <a href={`${PREFIX}/videos/${id}`}>{short}</a> : <span>{short}</span>;
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
