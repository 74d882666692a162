import type { z } from '@hono/zod-openapi';
import type { AdminVideo } from '../admin/generations/objects.ts';
import type { AdminTimeline } from '../admin/generations/timeline.ts';
import type { ConsoleDependencies, Handler } from './deps.ts';
import { ask, PREFIX, Refused } from './forward.ts';
import { codeShown } from './outcome.ts';
import { render } from './page.tsx';
import { Figure, Time } from './parts.tsx';
import { TimelineList } from './timeline.tsx';

type Shown = z.infer<typeof AdminVideo>;

/** A video of any account: its whole timeline, its workflow, and what the provider said. */
export function operatorsVideoPage({ api }: ConsoleDependencies): Handler {
  return async (c) => {
    const id = c.req.param('id') ?? '';
    const { data } = await ask<{ data: readonly Shown[] }>(api, c, `/admin/videos?id=${encodeURIComponent(id)}`);
    const [video] = data;
    if (video === undefined) throw new Refused(404, 'not_found', 'This video was not found.');
    const path = `/admin/accounts/${video.account_id}/videos/${video.id}/timeline`;
    const timeline = await ask<z.infer<typeof AdminTimeline>>(api, c, path);
    const children = (
      <div class="one-video">
        <p>
          <a href={`${PREFIX}/operate`}>Operate</a>
        </p>
        <h1>
          Video <code>{video.id}</code>
        </h1>
        <section aria-labelledby="why" class="panel">
          <h2 id="why">What moved the credits?</h2>
          <p>{video.credits.message}</p>
          <TimelineList steps={timeline.data} />
        </section>
        <Facts video={video} />
      </div>
    );
    return render(c, { title: video.id, session: 'operator', children });
  };
}

function Facts({ video }: { readonly video: Shown }) {
  return (
    <section aria-labelledby="facts" class="panel">
      <h2 id="facts">Facts</h2>
      <dl class="figures">
        <Figure name="Workflow">
          {video.workflow_url === null ? (
            <code>{video.workflow_id}</code>
          ) : (
            <a href={video.workflow_url}>Open in Temporal Web</a>
          )}
        </Figure>
        <Figure name="Account">
          <a href={`${PREFIX}/operate/accounts/${video.account_id}`}>
            <code>{video.account_id}</code>
          </a>
        </Figure>
        <Figure name="Provider">{video.provider ?? '–'}</Figure>
        <Figure name="Provider’s id">
          <code>{video.provider_video_id ?? '–'}</code>
        </Figure>
        <Figure name="Provider’s status">{video.provider_status ?? '–'}</Figure>
        {video.provider_error !== null && (
          <Figure name="Provider’s error">
            {video.provider_error.code !== null && <code>{codeShown(video.provider_error.code)}</code>}{' '}
            {video.provider_error.message}
          </Figure>
        )}
        <Figure name="Settled because of">{video.settlement_reason ?? 'not settled yet'}</Figure>
        <Figure name="Model">
          {video.model} · {video.size} · {video.seconds} s
        </Figure>
        <Figure name="Asked for">
          <Time at={video.created_at} />
        </Figure>
      </dl>
    </section>
  );
}
