import { find } from './page.ts';
import { send } from './api.ts';

/**
 * Follows open videos by server-sent events. A browser has six connections to a server for all of its tabs, so only a few videos
 * of the visible tab have a stream; the others are asked for now and then.
 */

const STREAMS = 2;
const ASK_EVERY_MS = 4000;

interface Video {
  readonly status: string;
  readonly progress: number;
}

export class Followed {
  private readonly cards = new Map<
    string,
    { readonly card: HTMLElement; readonly status: string; stream?: EventSource }
  >();
  private timer: number | undefined;

  constructor(private readonly changed: (id: string) => void) {
    document.addEventListener('visibilitychange', () => this.arrange());
  }

  add(card: HTMLElement): void {
    const id = card.dataset['video'] ?? '';
    this.drop(id);
    const status = card.classList.contains('queued') ? 'queued' : 'in_progress';
    this.cards.set(id, { card, status });
    this.arrange();
  }

  private drop(id: string): void {
    this.cards.get(id)?.stream?.close();
    this.cards.delete(id);
  }

  private arrange(): void {
    const isVisible = document.visibilityState === 'visible';
    let free = isVisible ? STREAMS : 0;
    for (const [id, one] of this.cards) {
      free -= 1;
      if (free >= 0) one.stream ??= this.open(id);
      else {
        one.stream?.close();
        delete one.stream;
      }
    }
    clearTimeout(this.timer);
    if (isVisible && this.cards.size > 0) this.timer = setTimeout(() => void this.ask(), ASK_EVERY_MS);
  }

  private open(id: string): EventSource {
    const stream = new EventSource(`/console/v1/videos/${id}/events`);
    const hear = ({ data }: MessageEvent<string>) => this.look(id, JSON.parse(data) as Video);
    stream.addEventListener('progress', hear);
    stream.addEventListener('settled', hear);
    return stream;
  }

  /** Those without a stream, and those whose stream has ended. */
  private async ask(): Promise<void> {
    for (const [id, { stream }] of this.cards) {
      if (stream !== undefined && stream.readyState === EventSource.OPEN) continue;
      const answer = await send<Video>(`/v1/videos/${id}`, { method: 'GET' });
      if (answer.ok) this.look(id, answer.body);
    }
    this.arrange();
  }

  private look(id: string, { status, progress }: Video): void {
    const one = this.cards.get(id);
    if (one === undefined) return;
    if (status !== one.status) {
      this.drop(id);
      this.arrange();
      this.changed(id);
      return;
    }
    const bar = one.card.querySelector<HTMLProgressElement>('progress');
    const percent = find('[data-percent]', one.card);
    if (progress > 0 && bar !== null && percent !== null) {
      bar.value = progress;
      percent.textContent = `${progress} %`;
    }
  }
}
