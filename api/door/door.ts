import { Appointments } from './appointments.ts';
import { type Clock, REAL_CLOCK } from './clock.ts';
import { FairLine } from './fairLine.ts';
import { Pace } from './pace.ts';
import { RefusedTries } from './refusedTries.ts';

/**
 * As many starts may be inside as end in this time. More would end no sooner: they would queue in Temporal, where the order is
 * first come, first served.
 */
const INSIDE_SECONDS = 0.7;
/** At least enough to use a server that answers slowly; at most what one process can work on. */
const INSIDE = { least: 16, most: 200 };
/** The longest expected wait with which a request may join the line. One that comes again as told may expect more. */
const WAIT_SECONDS = { unexpected: 2, asTold: 3 };
/**
 * A request in the line is refused after this time, even while the line moves. Less than any client waits: until it is let in, nothing
 * of it is written, so another API process could not tell its retry from a new request.
 */
const LONGEST_WAIT_MS = 6000;
/** If no start has begun or ended for this time, Temporal or the database hangs, and no wait can be estimated. */
const STALLED_AFTER_MS = 2000;
const STALLED_RETRY_SECONDS = 5;

/**
 * `crowd`: the expected wait is too long. `stalled`: no start ends. `late`: the wait in the line became too long. `closing`: the
 * process ends. `gone`: the client disconnected.
 */
export type Refused = 'crowd' | 'stalled' | 'late' | 'closing' | 'gone';

export interface Asking {
  readonly owner: string;
  /** Equal for a request and its repeats. */
  readonly request: string;
  /** Called when the request joins the line; `leave` must be called when its client disconnects. */
  readonly onGone: (leave: () => void) => void;
}

export interface RefusedAtDoor {
  readonly refused: Refused;
  readonly retryAfterSeconds: number;
}

/** A request that was let in must leave once, and says whether its hold was placed. */
export type Entered = RefusedAtDoor | { readonly refused?: never; readonly leave: (isHeld: boolean) => void };

/**
 * Limits how many generations this process starts at once. A request that can't start at once waits in a line in which owners
 * take turns; one whose wait would be too long is refused immediately, with the time at which there will be room for it.
 */
export class Door {
  private readonly pace = new Pace();
  private readonly line = new FairLine<(entered: Entered) => void>();
  private readonly appointments = new Appointments();
  /** Of calls that may come again. */
  readonly refusedTries: RefusedTries;
  private inside = 0;
  private isClosing = false;
  private lastMoveMs = 0;
  /** How many equal requests are in the line or inside. */
  private readonly here = new Map<string, number>();

  /** From `closing` on, requests that would have to wait are refused. */
  constructor(
    closing: AbortSignal,
    private readonly onRefused: (why: Refused) => void = () => undefined,
    private readonly clock: Clock = REAL_CLOCK,
  ) {
    closing.addEventListener('abort', () => this.close(), { once: true });
    this.refusedTries = new RefusedTries(clock);
  }

  get underWay(): number {
    return this.inside;
  }

  get waiting(): number {
    return this.line.length;
  }

  get perSecond(): number {
    return this.pace.perSecond;
  }

  /** Whether such a request is in the line or inside. */
  isHere(request: string): boolean {
    return this.here.has(request);
  }

  /** Resolves when the request may begin or is refused. */
  async enter(asking: Asking): Promise<Entered> {
    const { request } = asking;
    this.note(request, 1);
    const entered = await this.admit(asking);
    if (entered.refused !== undefined) {
      this.note(request, -1);
      return entered;
    }
    const leave = (isHeld: boolean) => {
      this.note(request, -1);
      entered.leave(isHeld);
    };
    return { leave };
  }

  /** Refuses a request that would certainly be refused, before more work is done for it. */
  turnAway(owner: string): RefusedAtDoor | undefined {
    if (this.appointments.isDue(owner, this.second)) return undefined;
    const refused = this.reasonToRefuse(owner, false);
    return refused && this.refuse(owner, refused);
  }

  private async admit({ owner, onGone }: Asking): Promise<Entered> {
    const isAsTold = this.appointments.keep(owner, this.second);
    const refused = this.reasonToRefuse(owner, isAsTold);
    if (refused !== undefined) return this.refuse(owner, refused);
    return this.isOpen ? this.begin() : this.wait(owner, onGone);
  }

  private reasonToRefuse(owner: string, isAsTold: boolean): Refused | undefined {
    if (this.isOpen) return undefined;
    if (this.isClosing) return 'closing';
    if (this.isStalled) return 'stalled';
    const ahead = this.line.countAhead(owner) + (isAsTold ? 0 : this.appointments.countBefore(owner, this.second));
    const mayWaitSeconds = isAsTold ? WAIT_SECONDS.asTold : WAIT_SECONDS.unexpected;
    return (ahead + 1) / this.pace.perSecond > mayWaitSeconds ? 'crowd' : undefined;
  }

  private note(request: string, by: 1 | -1): void {
    const count = (this.here.get(request) ?? 0) + by;
    if (count === 0) this.here.delete(request);
    else this.here.set(request, count);
  }

  private close(): void {
    this.isClosing = true;
    for (let next = this.line.take(); next !== undefined; next = this.line.take()) next(this.refuse('', 'closing'));
  }

  private wait(owner: string, onGone: (leave: () => void) => void): Promise<Entered> {
    return new Promise((resolve) => {
      const place = this.line.add(owner, (entered) => {
        callOff();
        resolve(entered);
      });
      const leave = (why: Refused) => {
        if (this.line.leave(place)) place.what(this.refuse(owner, why));
      };
      const beganMs = this.clock.nowMs();
      const check = () => {
        if (this.isStalled) leave('stalled');
        else if (this.clock.nowMs() - beganMs >= LONGEST_WAIT_MS) leave('late');
        else callOff = this.clock.after(STALLED_AFTER_MS, check);
      };
      let callOff = this.clock.after(STALLED_AFTER_MS, check);
      onGone(() => leave('gone'));
    });
  }

  private begin(): Entered {
    const beganMs = this.clock.nowMs();
    this.lastMoveMs = beganMs;
    this.inside += 1;
    const atOnce = this.inside;
    return { leave: (isHeld) => this.end(isHeld, { beganMs, atOnce }) };
  }

  private end(isHeld: boolean, { beganMs, atOnce }: { readonly beganMs: number; readonly atOnce: number }): void {
    const now = this.clock.nowMs();
    this.lastMoveMs = now;
    if (isHeld) this.pace.ended(now - beganMs, Math.max(atOnce, this.inside));
    this.inside -= 1;
    while (this.hasRoom) {
      const next = this.line.take();
      if (next === undefined) return;
      next(this.begin());
    }
  }

  private refuse(owner: string, why: Refused): RefusedAtDoor {
    this.onRefused(why);
    if (why === 'closing' || why === 'gone') return { refused: why, retryAfterSeconds: 1 };
    const { perSecond } = this.pace;
    const afterSeconds = why === 'stalled' ? STALLED_RETRY_SECONDS : Math.ceil(this.line.length / perSecond);
    const at = this.appointments.make(owner, this.second + Math.max(1, afterSeconds), perSecond);
    return { refused: why, retryAfterSeconds: Math.max(1, Math.ceil(at - this.clock.nowMs() / 1000)) };
  }

  private get isStalled(): boolean {
    return this.clock.nowMs() - this.lastMoveMs >= STALLED_AFTER_MS;
  }

  private get second(): number {
    return Math.floor(this.clock.nowMs() / 1000);
  }

  private get isOpen(): boolean {
    return this.hasRoom && this.line.length === 0;
  }

  private get hasRoom(): boolean {
    const wanted = Math.round(this.pace.perSecond * INSIDE_SECONDS);
    return this.inside < Math.min(INSIDE.most, Math.max(INSIDE.least, wanted));
  }
}
