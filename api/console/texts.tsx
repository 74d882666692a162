import { randomUUID } from 'node:crypto';
import type { z } from '@hono/zod-openapi';
import { POSTS, TEXT_LENGTHS } from '../../texts/index.ts';
import type { Credits } from '../credits/objects.ts';
import type { Model } from '../models/models.ts';
import type { WrittenText } from '../texts/textObject.ts';
import type { ConsoleDependencies, Handler } from './deps.ts';
import { askIfAllowed } from './forward.ts';
import { codeShown } from './outcome.ts';
import { render } from './page.tsx';
import { Amount, Time } from './parts.tsx';

/** Scripts and threads: a form, the text as it is written, and what it cost. */

interface List<Item> {
  readonly data: readonly Item[];
}

export function textsPage({ api }: ConsoleDependencies): Handler {
  return async (c) => {
    const [balance, models, scripts, threads] = await Promise.all([
      askIfAllowed<z.infer<typeof Credits>>(api, c, '/v1/credits'),
      askIfAllowed<List<Model>>(api, c, '/v1/models'),
      askIfAllowed<List<WrittenText>>(api, c, '/v1/scripts?limit=10'),
      askIfAllowed<List<WrittenText>>(api, c, '/v1/threads?limit=10'),
    ]);
    const texts = [...(scripts?.data ?? []), ...(threads?.data ?? [])].sort((a, b) => b.created_at - a.created_at);
    const forTexts = (models?.data ?? []).filter(({ kind }) => kind === 'text');
    const children = (
      <div class="studio">
        <h1 class="hidden">Scripts and threads</h1>
        <WriteForm models={forTexts} />
        <section aria-labelledby="texts" class="videos">
          <h2 id="texts">Your texts</h2>
          <article class="card" id="writing" hidden aria-live="polite">
            <header>
              <h3>Writing…</h3>
            </header>
            <p class="written" data-written></p>
            <p class="meta" data-cost></p>
          </article>
          {texts.length === 0 && <p class="quiet">Nothing yet.</p>}
          <div class="cards">
            {texts.map((text) => (
              <TextCard text={text} />
            ))}
          </div>
        </section>
      </div>
    );
    return render(c, { title: 'Scripts and threads', session: 'account', balance, children });
  };
}

function WriteForm({ models }: { readonly models: readonly Model[] }) {
  return (
    <section aria-labelledby="new-text" class="new-video">
      <h2 id="new-text">New text</h2>
      <form id="write" class="stack">
        <input type="hidden" name="idempotency_key" value={randomUUID()} />
        <label>
          What
          <select name="kind">
            <option value="scripts">Script of a video</option>
            <option value="threads">Thread of posts</option>
          </select>
        </label>
        <label>
          Topic
          <textarea name="topic" rows={4} required maxlength={4000}></textarea>
        </label>
        <label>
          Tone
          <input type="text" name="tone" value="friendly" maxlength={100} />
        </label>
        <label>
          Model
          <select name="model">
            {models.map(({ id }) => (
              <option value={id}>{id}</option>
            ))}
          </select>
        </label>
        <label data-of="scripts">
          Length
          <select name="length">
            {TEXT_LENGTHS.map((length) => (
              <option value={length}>{length}</option>
            ))}
          </select>
        </label>
        <label data-of="threads" hidden>
          Posts
          <input type="number" name="posts" min={POSTS.minimum} max={POSTS.maximum} value="5" />
        </label>
        <div class="price" role="status" id="price"></div>
        <button class="primary">Write it</button>
        <div role="alert" id="refusal" class="notice bad" hidden></div>
      </form>
    </section>
  );
}

function TextCard({ text }: { readonly text: WrittenText }) {
  const { credits, error } = text;
  const titleId = `title-${text.id}`;
  return (
    <article class={`card ${text.status === 'failed' ? 'failed' : 'done'}`} aria-labelledby={titleId}>
      <header>
        <h3 class="prompt" id={titleId}>
          {text.title ?? (text.object === 'script' ? 'Script' : 'Thread')}
        </h3>
        <span class="badge">{text.status.replace('_', ' ')}</span>
      </header>
      {text.text !== null && <p class="written">{text.text}</p>}
      {text.posts !== null && (
        <ol class="posts">
          {text.posts.map((post) => (
            <li>{post}</li>
          ))}
        </ol>
      )}
      {error !== null && (
        <p>
          <code>{codeShown(error.code)}</code> {error.message}
        </p>
      )}
      <p class="meta">
        <span>
          <Amount credits={credits.amount} /> credits {credits.state}
        </span>
        <Time at={text.created_at} />
      </p>
    </article>
  );
}
