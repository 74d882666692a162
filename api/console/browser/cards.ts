import { fragment, send } from './api.ts';
import { Followed } from './follow.ts';
import { keyOf } from './keys.ts';
import { find, say } from './page.ts';
import { localTimes } from './times.ts';

/** The cards of videos: they follow their videos, and what their buttons do. */

const followed = new Followed((card) => void redraw(card));

export function followCards(): void {
  for (const card of document.querySelectorAll<HTMLElement>('[data-open]')) followed.add(card);
  watchContents(document);
}

/** Puts the card of a video that was just made in front of the others. */
export async function addCard(id: string): Promise<void> {
  const cards = find('#cards');
  if (cards === null || find(`[data-video="${id}"]`) !== null) return;
  const card = await fragment(`/videos/${id}/card`);
  if (card === undefined) {
    location.reload();
    return;
  }
  cards.prepend(card);
  show(card);
}

/** Draws a card anew; the server knows how. */
async function redraw(card: HTMLElement): Promise<void> {
  const isAlone = card.querySelector('h1') !== null;
  const fresh = await fragment(`/videos/${card.dataset['video']}/card${isAlone ? '?alone' : ''}`);
  if (fresh === undefined) return;
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
    const card = button?.closest<HTMLElement>('.card');
    if (button && card) void act(button, card);
  });
  document.addEventListener('submit', (event) => {
    const form = event.target as HTMLFormElement;
    if (!form.matches('[data-remix]')) return;
    event.preventDefault();
    void remix(form);
  });
}

async function act(button: HTMLButtonElement, card: HTMLElement): Promise<void> {
  const { act: what = '' } = button.dataset;
  const id = card.dataset['video'] ?? '';
  button.disabled = true;
  // A claim of a video is one however often it is asked for.
  const answer = await send<{ id: string }>(`/v1/videos/${id}/${what}`, what === 'claim' ? { key: `claim-${id}` } : {});
  button.disabled = false;
  if (!answer.ok) {
    say(find('[data-said]', card), answer.message);
    return;
  }
  if (what === 'claim') await addCard(answer.body.id);
  await redraw(card);
}

async function remix(form: HTMLFormElement): Promise<void> {
  const card = form.closest<HTMLElement>('.card');
  const said = card && find('[data-said]', card);
  const body = { prompt: new FormData(form).get('prompt') };
  const key = keyOf(form);
  const answer = await send<{ id: string }>(`/v1/videos/${card?.dataset['video']}/remix`, { body, key: key.for(body) });
  key.answered(answer.ok ? 200 : answer.status);
  if (!answer.ok) {
    say(said, answer.message);
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
