import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

/**
 * `held`: nothing passes, in no direction; what was sent arrives when it is healed, also after its sender has given up, as
 * TCP does after a partition. `mute`: requests arrive, answers are lost. `refused`: nobody listens.
 */
type Mode = 'open' | 'held' | 'mute' | 'refused';

/** One direction of a connection. */
class Flow {
  private waiting: Buffer[] = [];
  private last: 'end' | 'close' | undefined;

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    private passes: boolean,
    private drops: boolean,
  ) {
    from.on('data', (chunk: Buffer) => {
      if (this.drops) return;
      if (this.passes) this.write(chunk);
      else this.waiting.push(chunk);
    });
    from.on('end', () => this.over('end'));
    from.on('close', () => this.over('close'));
    from.on('error', () => undefined);
  }

  set(passes: boolean, drops: boolean): void {
    this.passes = passes;
    this.drops = drops;
    if (!passes) return;
    for (const chunk of this.waiting.splice(0)) this.write(chunk);
    if (this.last !== undefined) this.over(this.last);
  }

  private write(chunk: Buffer): void {
    if (this.to.destroyed || this.to.write(chunk)) return;
    this.from.pause();
    this.to.once('drain', () => this.from.resume());
  }

  private over(how: 'end' | 'close'): void {
    this.last = how;
    if (!this.passes) return;
    if (how === 'end') this.to.end();
    else this.to.destroySoon();
  }
}

interface Wire {
  readonly near: Socket;
  readonly far: Socket;
  readonly there: Flow;
  readonly back: Flow;
}

/** A TCP proxy in front of one server, on a port of its own, that can be cut, held and healed. */
export class Link {
  private readonly wires = new Set<Wire>();
  private mode: Mode = 'open';
  private server: Server | undefined;
  private isClosed = false;

  private constructor(
    readonly port: number,
    private readonly targetPort: number,
  ) {}

  static async open(port: number, targetPort: number): Promise<Link> {
    const link = new Link(port, targetPort);
    await link.listen();
    return link;
  }

  /** Resets every connection; answers with how many there were. */
  cut(): number {
    const { size } = this.wires;
    for (const { near, far } of this.wires) {
      near.resetAndDestroy();
      far.destroy();
    }
    return size;
  }

  async set(mode: Mode): Promise<void> {
    this.mode = mode;
    for (const wire of this.wires) this.apply(wire);
    if (mode === 'refused') this.stopListening();
    else await this.listen();
  }

  /** For good: nothing heals it. */
  close(): void {
    this.isClosed = true;
    this.stopListening();
  }

  private stopListening(): void {
    this.server?.close();
    this.server = undefined;
    this.cut();
  }

  private async listen(): Promise<void> {
    if (this.server !== undefined || this.isClosed) return;
    // Half-open, so that each side's end is passed on as it came.
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => this.join(near));
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.port, '127.0.0.1', resolve);
    });
  }

  private join(near: Socket): void {
    const far = connect({ host: '127.0.0.1', port: this.targetPort, allowHalfOpen: true, noDelay: true });
    const passes = this.mode !== 'held';
    const wire: Wire = {
      near,
      far,
      there: new Flow(near, far, passes, false),
      back: new Flow(far, near, passes, this.mode === 'mute'),
    };
    this.wires.add(wire);
    // Gone on one side only, it still has to be told to the other one when that is healed.
    const forget = () => near.destroyed && far.destroyed && this.wires.delete(wire);
    near.once('close', forget);
    far.once('close', forget);
  }

  private apply({ there, back }: Wire): void {
    there.set(this.mode !== 'held', false);
    back.set(this.mode !== 'held', this.mode === 'mute');
  }
}
