import { randomUUID } from 'node:crypto';
import type { Video } from '../videos/videoObject.ts';

/** A form to change a video: a new video is made from it, at the same price. */
export function RemixForm({ video }: { readonly video: Video }) {
  const id = `remix-${video.id}`;
  return (
    <details class="remix">
      <summary class="button">Remix</summary>
      <form data-remix class="stack">
        <input type="hidden" name="idempotency_key" value={randomUUID()} />
        <label for={id}>What should change?</label>
        <textarea id={id} name="prompt" rows={2} required maxlength={32000}></textarea>
        <button class="primary">Remix</button>
      </form>
    </details>
  );
}
