import type { Client } from '@temporalio/client';
import { median, quantile } from './figures.ts';
import { OURS, type Part, PARTS, type Site } from './site.ts';
import { type Events, eventsOf, requestVideos, settleLags, untilDone } from './videos.ts';

/** What a generation cost in one turn. */
export interface Measured {
  /** Of `POST /v1/videos`. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Medians of the generations. */
  readonly events: Events;
  /** Each generation's share; `all` is without the simulator. */
  readonly cpuMs: Record<Part | 'all', number>;
  /** From the video's end at the provider to the settlement: the median. */
  readonly lagMs: number;
  /** The most that the worker had resident. */
  readonly workerMegabytes: number;
}

export interface Turn {
  readonly count: number;
  readonly clients: number;
  readonly videoSeconds: number;
  /** The length that is asked for. */
  readonly seconds?: string;
}

const GRANTED = 1_000_000_000;
const SETTLE_LIMIT_MS = 240_000;

/** Runs turns of generations on one site. */
export class Generations {
  private turns = 0;

  constructor(
    private readonly site: Site,
    private readonly temporal: Client,
  ) {}

  /** Requests the videos, and measures until all are charged and archived and their workflows have ended. */
  async run({ count, clients, videoSeconds, seconds = '4' }: Turn): Promise<Measured> {
    const turn = (this.turns += 1);
    const account = await this.site.stack.openAccount(GRANTED);
    let workerMegabytes = 0;
    const sampling = setInterval(() => {
      workerMegabytes = Math.max(workerMegabytes, this.site.megabytes('worker'));
    }, 500);
    const before = this.site.cpuMs();
    const { ids, latencies_ms } = await requestVideos(this.site, account, {
      count,
      clients,
      ask: (index) => ({ prompt: `fox ${index} of turn ${turn} [[after:${videoSeconds}s]]`, seconds }),
    });
    await untilDone(this.site, this.temporal, ids, videoSeconds * 1000 + SETTLE_LIMIT_MS);
    const after = this.site.cpuMs();
    clearInterval(sampling);
    const each = Object.fromEntries(PARTS.map((part) => [part, (after[part] - before[part]) / count]));
    const cpuMs = each as Record<Part, number>;
    const events = await eventsOf(this.temporal, ids);
    return {
      p50Ms: quantile(latencies_ms, 0.5),
      p99Ms: quantile(latencies_ms, 0.99),
      events: { own: median(events.map(({ own }) => own)), all: median(events.map(({ all }) => all)) },
      cpuMs: { ...cpuMs, all: OURS.reduce((sum, part) => sum + cpuMs[part], 0) },
      lagMs: median(await settleLags(this.site, ids)),
      workerMegabytes,
    };
  }
}
