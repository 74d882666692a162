import type { IncomingMessage, RequestOptions, Server, ServerResponse } from 'node:http';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** The kinds of requests that Holdfast sends to a provider. */
export type Step = 'create' | 'poll' | 'content' | 'list' | 'delete';

/**
 * `reset`, `502`: the request never reaches the server. `lost`, `hang`, `502-after`: it does, and the answer is lost. `cut`: half of
 * the answer arrives.
 */
export type Effect = 'reset' | '502' | 'lost' | 'hang' | '502-after' | 'cut';

export interface Fault {
  readonly step: Step;
  readonly effect: Effect;
  /** How many requests it strikes. */
  readonly times: number;
}

/** A request of one case as it passed, with what the server answered; status null: it did not get there. */
export interface Passed {
  readonly step: Step;
  readonly status: number | null;
  readonly effect: Effect | null;
  readonly body: Buffer;
}

const CASE = /\(case ([a-z0-9-]+)\)/;
const GATEWAY_PAGE = '<html><body><h1>502 Bad Gateway</h1></body></html>';

/**
 * A proxy between Holdfast and a server. It knows the case of a create by its prompt, `(case NAME)`, and that of a later request by
 * the video's id, so each case has its own faults although all run at once. The faults of `list` strike whoever asks.
 */
export class FaultyWire {
  readonly url: string;
  readonly #server: Server;
  readonly #port: number;
  /** Where requests go; without it they are answered by nobody. */
  target: URL | undefined;
  readonly #canonical: (id: string) => string;
  readonly #faults = new Map<string, Fault[]>();
  readonly #caseOf = new Map<string, string>();
  readonly #passed = new Map<string, Passed[]>();
  /** Told of each request once its answer is known, before the answer goes on. */
  onPassed: (name: string, passed: Passed) => void = () => undefined;

  private constructor(server: Server, canonical: (id: string) => string) {
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
    this.#canonical = canonical;
    this.url = `http://127.0.0.1:${this.#port}`;
    server.on('request', (from: IncomingMessage, to: ServerResponse) => {
      this.#serve(from, to).catch(() => from.socket.destroy());
    });
  }

  static async open(canonical: (id: string) => string): Promise<FaultyWire> {
    const server = createServer();
    await listen(server, 0);
    return new FaultyWire(server, canonical);
  }

  /** Adds faults for a case. */
  strike(name: string, faults: readonly Fault[]): void {
    for (const fault of faults) {
      const key = keyOf(fault.step, name);
      this.#faults.set(key, [...(this.#faults.get(key) ?? []), fault]);
    }
  }

  /** What passed for a case; for every list under the name `list`. */
  of(name: string): readonly Passed[] {
    return this.#passed.get(name) ?? [];
  }

  /** The video's id as the create's answer told it. */
  idOf(name: string): string | undefined {
    const answer = this.of(name).findLast(({ step, status }) => step === 'create' && status === 200);
    return answer === undefined ? undefined : readId(answer.body);
  }

  /** Nobody listens until the returned function is called; what is being answered is answered. */
  refuse(): () => Promise<void> {
    this.#server.close();
    this.#server.closeIdleConnections();
    return () => listen(this.#server, this.#port);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(from: IncomingMessage, to: ServerResponse): Promise<void> {
    const body = await bytesOf(from);
    const step = stepOf(from);
    const name = this.#nameOf(step, from.url ?? '', body);
    const effect = this.#take(step, name);
    const note = (status: number | null, answered: Buffer) =>
      this.#note(name, { step, status, effect, body: answered });
    if (effect === 'reset' || effect === '502') {
      note(null, Buffer.alloc(0));
      if (effect === 'reset') from.socket.resetAndDestroy();
      else sendGatewayPage(to);
      return;
    }
    const answer = await this.#forward(from, body);
    note(answer.status, answer.body);
    if (step === 'create') this.#learn(name, answer.body);
    switch (effect) {
      case 'lost':
        from.socket.resetAndDestroy();
        return;
      case 'hang':
        return;
      case '502-after':
        sendGatewayPage(to);
        return;
      case 'cut':
        to.writeHead(answer.status, answer.headers);
        to.write(answer.body.subarray(0, answer.body.length / 2));
        await sleep(50);
        from.socket.resetAndDestroy();
        return;
      case null:
        to.writeHead(answer.status, answer.headers);
        to.end(answer.body);
    }
  }

  #nameOf(step: Step, url: string, body: Buffer): string {
    if (step === 'list') return 'list';
    if (step === 'create') return CASE.exec(body.toString('latin1'))?.[1] ?? 'unknown';
    const id = decodeURIComponent(url.split('?')[0]?.split('/')[3] ?? '');
    return this.#caseOf.get(this.#canonical(id)) ?? 'unknown';
  }

  #take(step: Step, name: string): Effect | null {
    const key = keyOf(step, name);
    const [fault, ...rest] = this.#faults.get(key) ?? [];
    if (fault === undefined) return null;
    this.#faults.set(key, fault.times > 1 ? [{ ...fault, times: fault.times - 1 }, ...rest] : rest);
    return fault.effect;
  }

  #note(name: string, passed: Passed): void {
    this.#passed.set(name, [...this.of(name), passed]);
    this.onPassed(name, passed);
  }

  #learn(name: string, body: Buffer): void {
    const id = readId(body);
    if (id !== undefined) this.#caseOf.set(this.#canonical(id), name);
  }

  async #forward(from: IncomingMessage, body: Buffer) {
    const { target } = this;
    if (target === undefined) throw new Error('there is no server yet');
    const options: RequestOptions = {
      host: target.hostname,
      port: target.port,
      path: from.url,
      method: from.method,
      headers: { ...from.headers, host: target.host, connection: 'close' },
      agent: false,
    };
    return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: Buffer }>((resolve, reject) => {
      const sent = request(options, (answer) => {
        bytesOf(answer).then((bytes) => {
          // The whole body is here, so its framing on the way is not passed on; and no connection outlives `refuse`.
          const { 'transfer-encoding': _, connection: __, ...headers } = answer.headers;
          resolve({
            status: answer.statusCode ?? 0,
            headers: { ...headers, 'content-length': String(bytes.length), connection: 'close' },
            body: bytes,
          });
        }, reject);
      });
      sent.once('error', reject);
      sent.end(body);
    });
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
}

function keyOf(step: Step, name: string): string {
  return step === 'list' ? 'list' : `${step} ${name}`;
}

function stepOf({ method, url = '' }: IncomingMessage): Step {
  const parts = url.split('?')[0]?.split('/') ?? [];
  if (method === 'DELETE') return 'delete';
  if (method === 'POST') return 'create';
  if (parts[4] === 'content') return 'content';
  return parts[3] === undefined || parts[3] === '' ? 'list' : 'poll';
}

async function bytesOf(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function sendGatewayPage(to: ServerResponse): void {
  to.writeHead(502, { 'content-type': 'text/html' });
  to.end(GATEWAY_PAGE);
}

function readId(body: Buffer): string | undefined {
  try {
    const { id } = JSON.parse(body.toString()) as { id?: unknown };
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined;
  }
}
