import type { z } from '@hono/zod-openapi';
import type { AdminVideo } from '../admin/generations/objects.ts';
import { PREFIX } from './forward.ts';
import { codeShown } from './outcome.ts';
import { Amount, Time } from './parts.tsx';

/** Videos of all accounts as a table, without what their owners asked for. */
export function OperatorsVideos({ videos }: { readonly videos: readonly z.infer<typeof AdminVideo>[] }) {
  if (videos.length === 0) return <p class="quiet">No videos.</p>;
  return (
    <div class="scrolls" tabindex={0} role="region" aria-label="Videos">
      <table>
        <thead>
          <tr>
            <th scope="col">Asked for</th>
            <th scope="col">Video</th>
            <th scope="col">Account</th>
            <th scope="col">Outcome</th>
            <th scope="col" class="number">
              Credits
            </th>
          </tr>
        </thead>
        <tbody>
          {videos.map((video) => (
            <tr>
              <td>
                <Time at={video.created_at} />
              </td>
              <td>
                <a href={`${PREFIX}/operate/videos/${video.id}`}>…{video.id.slice(-12)}</a>
              </td>
              <td>
                <a href={`${PREFIX}/operate/accounts/${video.account_id}`}>…{video.account_id.slice(-8)}</a>
              </td>
              <td>
                {video.credits.state} {video.error !== null && <code>{codeShown(video.error.code)}</code>}
              </td>
              <td class="number">
                <Amount credits={video.credits.amount} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
