import { fragment, send } from './api.ts';
import { Followed } from './follow.ts';
import { keyOf } from './keys.ts';
import { find, say } from './page.ts';
import { localTimes } from './times.ts';

/** The cards of videos: they follow their videos, and what their buttons do. */

const followed = new Followed((id) => void redraw(id));

/** The card of a video as it stands in the page now: it is replaced when the state changes, also while a request is under way. */
const cardOf = (id: string) => find(`.card[data-video="${id}"]`);

export function followCards(): void {
  for (const card of document.querySelectorAll<HTMLElement>('[data-open]')) followed.add(card);
  watchContents(document);
}

/** Puts the card of a video that was just made in front of the others. */
export async function addCard(id: string): Promise<void> {
  const cards = find('#cards');
  if (cards === null || cardOf(id) !== null) return;
  const card = await fragment(`/videos/${id}/card`);
  if (card === undefined) {
    location.reload();
    return;
  }
  cards.prepend(card);
  show(card);
}

/** Draws a card anew; the server knows how. */
async function redraw(id: string): Promise<void> {
  const isAlone = cardOf(id)?.querySelector('h1') != null;
  const fresh = await fragment(`/videos/${id}/card${isAlone ? '?alone' : ''}`);
  const card = cardOf(id);
  if (fresh === undefined || card === null) return;
  const hadFocus = card.contains(document.activeElement);
  card.replaceWith(fresh);
  show(fresh);
  if (hadFocus) fresh.querySelector<HTMLElement>('button, a, summary')?.focus();
  const [badge, prompt] = ['.badge', '.prompt'].map((part) => find(part, fresh)?.textContent ?? '');
  say(find('#announcer'), `${badge}: ${prompt}`);
  await refreshBalance();
}

function show(card: HTMLElement): void {
  localTimes(card);
  watchContents(card);
  if (card.dataset['open'] !== undefined) followed.add(card);
}

export async function refreshBalance(): Promise<void> {
  const fresh = await fragment('/balance');
  if (fresh !== undefined) find('#balance')?.replaceWith(fresh);
}

function watchContents(within: ParentNode): void {
  for (const video of within.querySelectorAll<HTMLVideoElement>('video[data-content]')) {
    video.addEventListener('error', () => {
      video.hidden = true;
      const gone = find('[data-content-gone]', video.parentElement ?? document);
      if (gone !== null) gone.hidden = false;
    });
  }
}

export function actOnCards(): void {
  document.addEventListener('click', (event) => {
    const button = (event.target as Element).closest<HTMLButtonElement>('.card [data-act]');
    const id = button?.closest<HTMLElement>('.card')?.dataset['video'];
    if (button && id !== undefined) void act(button, id);
  });
  document.addEventListener('submit', (event) => {
    const form = event.target as HTMLFormElement;
    if (!form.matches('[data-remix]')) return;
    event.preventDefault();
    void remix(form);
  });
}

async function act(button: HTMLButtonElement, id: string): Promise<void> {
  const { act: what = '' } = button.dataset;
  button.disabled = true;
  // A claim of a video is one however often it is asked for.
  const answer = await send<{ id: string }>(`/v1/videos/${id}/${what}`, what === 'claim' ? { key: `claim-${id}` } : {});
  button.disabled = false;
  if (!answer.ok) {
    say(find('[data-said]', cardOf(id) ?? undefined), answer.message);
    return;
  }
  if (what === 'claim') await addCard(answer.body.id);
  await redraw(id);
}

async function remix(form: HTMLFormElement): Promise<void> {
  const id = form.closest<HTMLElement>('.card')?.dataset['video'] ?? '';
  const body = { prompt: new FormData(form).get('prompt') };
  const key = keyOf(form);
  const answer = await send<{ id: string }>(`/v1/videos/${id}/remix`, { body, key: key.for(body) });
  key.answered(answer.ok ? 200 : answer.status);
  if (!answer.ok) {
    say(find('[data-said]', cardOf(id) ?? undefined), answer.message);
    return;
  }
  if (find('#cards') === null) {
    location.assign(`/console/videos/${answer.body.id}`);
    return;
  }
  form.closest('details')?.removeAttribute('open');
  await addCard(answer.body.id);
  await refreshBalance();
}
