import { randomUUID } from 'node:crypto';
import type { z } from '@hono/zod-openapi';
import type { Credits } from '../credits/objects.ts';
import type { Model } from '../models/models.ts';
import type { Video } from '../videos/videoObject.ts';
import { VideoCard } from './card.tsx';
import type { ConsoleDependencies, Handler } from './deps.ts';
import { ask, askIfAllowed, PREFIX } from './forward.ts';
import { OfferFields } from './offerFields.tsx';
import { typicalInWords, typicalSeconds } from './outcome.ts';
import { render } from './page.tsx';
import { Notice, Older } from './parts.tsx';
import { kindOfSession } from './sessions.ts';

/** Where videos are made: the form, and the videos of the account. */

interface List<Item> {
  readonly data: readonly Item[];
  readonly last_id: string | null;
  readonly has_more: boolean;
}

const PAGE_SIZE = 12;
const ID = /^video_[0-9a-f]{32}$/;

export function studioPage({ api }: ConsoleDependencies): Handler {
  return async (c) => {
    if (kindOfSession(c) === 'operator') return c.redirect(`${PREFIX}/operate`, 303);
    const after = c.req.query('after');
    const page = after !== undefined && ID.test(after) ? `&after=${after}` : '';
    const [balance, models, videos] = await Promise.all([
      askIfAllowed<z.infer<typeof Credits>>(api, c, '/v1/credits'),
      askIfAllowed<List<Model>>(api, c, '/v1/models'),
      askIfAllowed<List<Video>>(api, c, `/v1/videos?limit=${PAGE_SIZE}${page}`),
    ]);
    const shown = videos?.data ?? [];
    const forVideos = (models?.data ?? []).filter(({ kind }) => kind === 'video');
    const children = (
      <div class="studio">
        <h1 class="hidden">Studio</h1>
        {page === '' ? <CreateForm models={forVideos} /> : null}
        <section aria-labelledby="videos" class="videos">
          <h2 id="videos">{page === '' ? 'Your videos' : 'Earlier videos'}</h2>
          {videos === undefined && <Notice tone="info">This key may not read videos.</Notice>}
          <p class="quiet empty">Nothing yet. Write a prompt, and the video appears here.</p>
          <div id="cards" class="cards">
            {shown.map((video) => (
              <VideoCard video={video} typical={typicalInWords(typicalSeconds(shown, video.model))} />
            ))}
          </div>
          <Older href={videos?.has_more === true ? `/?after=${videos.last_id}` : undefined} />
        </section>
      </div>
    );
    return render(c, { title: 'Studio', session: 'account', balance, children });
  };
}

function CreateForm({ models }: { readonly models: readonly Model[] }) {
  return (
    <section aria-labelledby="new-video" class="new-video">
      <h2 id="new-video">New video</h2>
      <form id="create" class="stack">
        <input type="hidden" name="idempotency_key" value={randomUUID()} />
        <label>
          Prompt
          <textarea
            id="prompt"
            name="prompt"
            rows={5}
            required
            maxlength={32000}
            placeholder="A red fox runs through fresh snow at dawn"
          ></textarea>
        </label>
        <label>
          Model
          <select name="model" id="model">
            {models.map(({ id }) => (
              <option value={id}>{id}</option>
            ))}
          </select>
        </label>
        {models.map((model, index) => (
          <OfferFields model={model} isChosen={index === 0} />
        ))}
        <label>
          <span>
            Reference image <span class="quiet">(if you like)</span>
          </span>
          <input type="file" name="input_reference" accept="image/png,image/jpeg,image/webp" />
        </label>
        <div class="price" role="status" id="price">
          <span class="quiet">Price</span>
        </div>
        <button class="primary" id="send">
          Make the video
        </button>
        <div role="alert" id="refusal" class="notice bad" hidden></div>
        <noscript>The studio needs JavaScript.</noscript>
      </form>
    </section>
  );
}

/** The videos by which a page of one of them says how long such a one takes. */
export async function typicalOf(
  { api }: ConsoleDependencies,
  c: Parameters<Handler>[0],
  { model }: Video,
): Promise<string> {
  const { data } = await ask<List<Video>>(api, c, '/v1/videos?limit=30');
  return typicalInWords(typicalSeconds(data, model));
}
