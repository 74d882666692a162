import type { z } from '@hono/zod-openapi';
import type { Credits } from '../credits/objects.ts';
import type { Timeline } from '../generations/timeline.ts';
import type { Video } from '../videos/videoObject.ts';
import { VideoCard } from './card.tsx';
import type { ConsoleDependencies, Handler } from './deps.ts';
import { ask, askIfAllowed } from './forward.ts';
import { render } from './page.tsx';
import { Figure, Time } from './parts.tsx';
import { typicalOf } from './studio.tsx';
import { TimelineList } from './timeline.tsx';

/** The page of one video: the video, and why it was charged. */

export function videoPage(deps: ConsoleDependencies): Handler {
  const { api } = deps;
  return async (c) => {
    const path = `/v1/videos/${encodeURIComponent(c.req.param('id') ?? '')}`;
    const video = await ask<Video>(api, c, path);
    const [balance, timeline, typical] = await Promise.all([
      askIfAllowed<z.infer<typeof Credits>>(api, c, '/v1/credits'),
      ask<z.infer<typeof Timeline>>(api, c, `${path}/timeline`),
      typicalOf(deps, c, video),
    ]);
    const children = (
      <div class="one-video">
        <p>
          <a href="/">All videos</a>
        </p>
        <VideoCard video={video} typical={typical} isAlone />
        <section aria-labelledby="why" class="panel">
          <h2 id="why">Why was I charged?</h2>
          <p>{video.credits.message}</p>
          <TimelineList steps={timeline.data} />
        </section>
        <Details video={video} />
      </div>
    );
    return render(c, { title: video.prompt?.slice(0, 60) ?? 'Video', session: 'account', balance, children });
  };
}

/** The card alone, for the script. */
export function videoCard(deps: ConsoleDependencies): Handler {
  return async (c) => {
    const video = await ask<Video>(deps.api, c, `/v1/videos/${encodeURIComponent(c.req.param('id') ?? '')}`);
    const isAlone = c.req.query('alone') !== undefined;
    return c.html(<VideoCard video={video} typical={await typicalOf(deps, c, video)} isAlone={isAlone} />);
  };
}

function Details({ video }: { readonly video: Video }) {
  return (
    <section aria-labelledby="details" class="panel">
      <h2 id="details">Details</h2>
      <dl class="figures">
        <Figure name="Model">{video.model}</Figure>
        <Figure name="Size">{video.size.replace('x', ' × ')}</Figure>
        <Figure name="Length">{video.seconds} s</Figure>
        {Object.entries(video.parameters).map(([name, value]) => (
          <Figure name={name}>{String(value)}</Figure>
        ))}
        <Figure name="Asked for">
          <Time at={video.created_at} />
        </Figure>
        <Figure name="Video">
          <code>{video.id}</code>
        </Figure>
        <Figure name="Hold">
          <code>{video.credits.hold_id}</code>
        </Figure>
      </dl>
    </section>
  );
}
