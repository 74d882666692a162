import { setImmediate } from 'node:timers/promises';

export interface EventBounds {
  /** The limit of one event, up to its blank line. */
  readonly eventBytes: number;
  readonly totalBytes: number;
  /** The limit from now to the last byte. */
  readonly timeoutMs: number;
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const COLON = 58;

/**
 * Passes on server-sent events one by one, each complete, and errors once a limit is exceeded. The SDK's own decoder buffers
 * an unfinished event without a limit and copies it for every chunk, so one endless line would occupy the whole process. Comments,
 * which keep a connection alive, end here.
 */
export function boundedEvents(bounds: EventBounds): TransformStream<Uint8Array, Uint8Array> {
  const endsAtMs = performance.now() + bounds.timeoutMs;
  const event = new UnfinishedEvent(bounds.eventBytes);
  let total = 0;
  return new TransformStream<Uint8Array, Uint8Array>({
    async transform(chunk, controller) {
      // A reader takes events that are ready without a pause: timers and other requests get their turn between two chunks.
      await setImmediate();
      total += chunk.length;
      if (total > bounds.totalBytes) throw new RangeError('the stream is too long');
      // Checked at each chunk: a stream that trickles never reaches the transport's time-out.
      if (performance.now() > endsAtMs) throw new RangeError('the stream takes too long');
      for (const whole of event.add(chunk)) if (!isComment(whole)) controller.enqueue(whole);
    },
    flush(controller) {
      const rest = event.take();
      if (rest.length > 0) controller.enqueue(rest);
    },
  });
}

/** One line that begins with a colon, and the blank line. */
function isComment(event: Uint8Array): boolean {
  return event[0] === COLON && event.indexOf(LINE_FEED) >= event.length - 3;
}

/** Collects the parts of an event until a blank line ends it. */
class UnfinishedEvent {
  private parts: Uint8Array[] = [];
  private bytes = 0;
  private lineEnds = 0;

  constructor(private readonly maximumBytes: number) {}

  *add(chunk: Uint8Array): Generator<Uint8Array> {
    let from = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      if (!this.endsBlankLine(chunk[at] as number)) continue;
      this.lineEnds = 0;
      this.keep(chunk.subarray(from, at + 1));
      from = at + 1;
      yield this.take();
    }
    this.keep(chunk.subarray(from));
  }

  take(): Uint8Array {
    const whole = Buffer.concat(this.parts);
    this.parts = [];
    this.bytes = 0;
    return whole;
  }

  /** Whether this byte ends a blank line; of "\r\n" only the "\n" counts. */
  private endsBlankLine(byte: number): boolean {
    if (byte === LINE_FEED) this.lineEnds += 1;
    else if (byte !== CARRIAGE_RETURN) this.lineEnds = 0;
    return this.lineEnds === 2;
  }

  private keep(part: Uint8Array): void {
    if (part.length === 0) return;
    this.bytes += part.length;
    if (this.bytes > this.maximumBytes) throw new RangeError('an event of the stream is too long');
    this.parts.push(part);
  }
}
