import type { Video } from '../objects.ts';
import { oneLine } from '../output/clean.ts';
import { hasRoomForHint, progressLine, resumeHint, type Waiting } from '../output/progress.ts';
import type { Stream } from '../world.ts';
import type { Watcher } from './follow.ts';

const REDRAW_MS = 1000;
const CLEAR_LINE = '\r\u001b[2K';

/** The live line on a terminal; where stderr is none, one line at the beginning, so that the id is never lost. */
export class ProgressDisplay implements Watcher {
  private timer: NodeJS.Timeout | undefined;
  private isCutOff = false;

  constructor(
    private readonly stream: Stream,
    private video: Video,
    private readonly typical: string | undefined,
  ) {}

  start(): void {
    const { id, credits } = this.video;
    if (this.stream.isTTY !== true) {
      this.stream.write(`${oneLine(`${id} · ${credits.amount} credits held · ${resumeHint(id)}`)}\n`);
      return;
    }
    if (!hasRoomForHint(this.waiting(), this.columns)) this.stream.write(`${oneLine(resumeHint(id))}\n`);
    this.draw();
    this.timer = setInterval(() => this.draw(), REDRAW_MS);
  }

  stop(): void {
    if (this.timer === undefined) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.stream.write(CLEAR_LINE);
  }

  changed(video: Video): void {
    this.video = video;
    // Once it is settled, the result says so.
    if (video.credits.state === 'held') this.redraw();
  }

  cutOff(isCutOff: boolean): void {
    if (this.isCutOff === isCutOff) return;
    this.isCutOff = isCutOff;
    this.redraw();
  }

  private redraw(): void {
    if (this.timer !== undefined) this.draw();
  }

  private draw(): void {
    this.stream.write(CLEAR_LINE + oneLine(progressLine(this.waiting(), this.columns)));
  }

  private get columns(): number {
    // A terminal that does not know its width says 0.
    return this.stream.columns || 80;
  }

  private waiting(): Waiting {
    const { id, status, progress, credits, created_at: createdAt } = this.video;
    const elapsedSeconds = Date.now() / 1000 - createdAt;
    return {
      id,
      status,
      progress,
      amount: credits.amount,
      elapsedSeconds,
      typical: this.typical,
      isCutOff: this.isCutOff,
    };
  }
}
