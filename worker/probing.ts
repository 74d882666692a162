import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../platform/log.ts';

/** A provider and how it is probed: undefined when it answers, null when it was not asked, else why it does not answer. */
export interface Probed {
  readonly name: string;
  readonly identity: string;
  readonly isDefault: boolean;
  /** Null: any number. */
  readonly requestsPerMinute: number | null;
  readonly probe: () => Promise<string | undefined | null>;
}

export interface Probing {
  /** Keeps what was seen; tells whether the provider is down by the probes of all processes. */
  readonly record: (provider: Probed, why: string | null) => Promise<boolean>;
  readonly observe: (provider: string, isUp: boolean) => void;
  readonly log: Pick<Log, 'warn' | 'info'>;
  readonly stopping: AbortSignal;
  readonly everyMs?: number;
  /** After a probe that failed. */
  readonly againAfterMs?: number;
}

const EVERY_MS = 15_000;
const AGAIN_AFTER_MS = 5000;

/** The probes of a process take no more of the requests that a provider may get than one in so many. */
const SHARE_OF_PROBES = 8;

/** Probes each provider until `stopping`, one probe of it at a time. */
export async function keepProbing(providers: readonly Probed[], probing: Probing): Promise<void> {
  setMaxListeners(0, probing.stopping);
  await Promise.all(providers.map((provider) => keepProbingOne(provider, probing)));
}

async function keepProbingOne(provider: Probed, probing: Probing): Promise<void> {
  const { stopping, everyMs = EVERY_MS, againAfterMs = AGAIN_AFTER_MS } = probing;
  let wasDown = false;
  const isStopping = () => stopping.aborted;
  while (!isStopping()) {
    let why: string | undefined | null;
    try {
      why = await provider.probe();
      if (why !== null) {
        const isDown = await probing.record(provider, why ?? null);
        probing.observe(provider.name, !isDown);
        if (isDown !== wasDown) tell(provider.name, isDown, why, probing.log);
        wasDown = isDown;
      }
    } catch (error) {
      if (isStopping()) return;
      // What is on record grows old, and then new requests are taken.
      probing.log.warn({ err: error, provider: provider.name }, 'a probe of the provider could not be recorded');
    }
    const { requestsPerMinute } = provider;
    const shareMs = requestsPerMinute === null ? 0 : (SHARE_OF_PROBES * 60_000) / requestsPerMinute;
    const pauseMs = Math.max(shareMs, why === undefined ? everyMs : againAfterMs);
    // Spread, for workers that started together would ask together.
    await delay(pauseMs * (0.8 + Math.random() * 0.4), undefined, { signal: stopping }).catch(() => undefined);
  }
}

function tell(provider: string, isDown: boolean, why: string | undefined, log: Probing['log']): void {
  if (isDown) log.warn({ provider, why }, 'the provider does not answer our probes: nothing new is begun there');
  else log.info({ provider }, 'the provider answers our probes again: new requests are taken');
}
