import { setTimeout as delay } from 'node:timers/promises';
import { LedgerError } from '../store/index.ts';
import type { ProviderDependencies } from './dependencies.ts';

/** What is written is put on record, and so delivered, this often. */
const RECORD_EVERY_MS = 400;

/** The lease is renewed so often in its time: a call or two may fail. */
const RENEWALS_A_LEASE = 6;

const RETRY_MS = 1000;

type Dependencies = Pick<ProviderDependencies, 'store' | 'textLeaseMs'>;

/**
 * The writer of a text holds the lease of its attempt in the database (MR-63). Temporal may take it for dead while it is alive, and
 * start the activity again; that try finds the lease and waits for this one's end. So nothing here asks whether Temporal
 * still listens: what the provider has written is billed, and is in this process alone.
 */
export class TextWriter {
  private output = () => '';
  private isLost = false;
  private recordedAtMs = -Infinity;
  private recording: Promise<void> | undefined;
  private readonly timer: NodeJS.Timeout;

  private constructor(
    private readonly deps: Dependencies,
    private readonly generationId: string,
    private readonly number: number,
  ) {
    this.timer = setInterval(() => this.record(), deps.textLeaseMs / RENEWALS_A_LEASE);
  }

  /** Takes the lease; undefined when the attempt is over already: then the provider must not be asked. */
  static async take(deps: Dependencies, generationId: string, number: number): Promise<TextWriter | undefined> {
    const isOpen = await deps.store.recordText(generationId, number, '', deps.textLeaseMs);
    return isOpen ? new TextWriter(deps, generationId, number) : undefined;
  }

  /** Tells what was written so far; false once the lease is lost, and the reading has to stop. */
  write(output: () => string): boolean {
    this.output = output;
    if (performance.now() - this.recordedAtMs >= RECORD_EVERY_MS) this.record();
    return !this.isLost;
  }

  /** Lets the lease run out. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.recording;
  }

  /** Nobody waits for it: reading goes on while the database is away. */
  private record(): void {
    this.recordedAtMs = performance.now();
    this.recording ??= this.recordNow().finally(() => {
      this.recording = undefined;
    });
  }

  private async recordNow(): Promise<void> {
    const { store, textLeaseMs } = this.deps;
    const isOpen = await store
      .recordText(this.generationId, this.number, this.output(), textLeaseMs)
      // No reason to stop: the end is recorded with all of it.
      .catch(() => true);
    if (!isOpen) this.isLost = true;
  }
}

/** Tries until the ledger has taken it, or refuses it by rule: a fault of ours must not lose what is in this process alone. */
export async function untilRecorded<Result>(record: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await record();
    } catch (error) {
      if (error instanceof LedgerError) throw error;
    }
    await delay(RETRY_MS);
  }
}
