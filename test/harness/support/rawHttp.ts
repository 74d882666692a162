import { connect } from 'node:net';

/** The answers on one connection, parsed strictly, so that a surplus answer is noticed. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
  /** False: the connection ended before the body did. */
  readonly isWhole: boolean;
}

/**
 * Sends these bytes over one connection, like a pipelining client. Returns everything received until the other side closed
 * it, or until this many answers had arrived and nothing followed for a moment.
 */
export async function rawRequests(port: number, requests: string, answers: number): Promise<RawAnswer[]> {
  const socket = connect(port, '127.0.0.1');
  let received = Buffer.alloc(0);
  await new Promise<void>((resolve, reject) => {
    let quiet: NodeJS.Timeout | undefined;
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      clearTimeout(quiet);
      const parsed = parseAnswers(received);
      const isAll = parsed.length >= answers && parsed.every(({ isWhole }) => isWhole);
      if (isAll) quiet = setTimeout(() => socket.destroy(), 200);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.setTimeout(20_000, () => socket.destroy(new Error('nothing came')));
    socket.on('timeout', () => reject(new Error('nothing came')));
    socket.write(requests);
  });
  return parseAnswers(received);
}

function parseAnswers(bytes: Buffer): RawAnswer[] {
  const answers: RawAnswer[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const end = rest.indexOf('\r\n\r\n');
    const [first = '', ...lines] = rest.toString('latin1', 0, end === -1 ? rest.length : end).split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? NaN);
    if (Number.isNaN(status)) throw new Error(`no answer begins like this: ${JSON.stringify(first.slice(0, 80))}`);
    if (end === -1) return [...answers, { status, headers: {}, body: Buffer.alloc(0), isWhole: false }];
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const read = headers['transfer-encoding'] === 'chunked' ? chunked : measured;
    const { body, bytes: used, isWhole } = read(rest.subarray(end + 4), Number(headers['content-length'] ?? 0));
    answers.push({ status, headers, body, isWhole });
    if (!isWhole) return answers;
    rest = rest.subarray(end + 4 + used);
  }
  return answers;
}

interface Body {
  readonly body: Buffer;
  readonly bytes: number;
  readonly isWhole: boolean;
}

function measured(rest: Buffer, length: number): Body {
  return { body: rest.subarray(0, length), bytes: length, isWhole: rest.length >= length };
}

function chunked(rest: Buffer): Body {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const line = rest.indexOf('\r\n', at);
    const size = line === -1 ? NaN : Number.parseInt(rest.toString('latin1', at, line), 16);
    const next = line + 2 + size + 2;
    if (Number.isNaN(size) || rest.length < next)
      return { body: Buffer.concat(parts), bytes: rest.length, isWhole: false };
    if (size === 0) return { body: Buffer.concat(parts), bytes: next, isWhole: true };
    parts.push(rest.subarray(line + 2, line + 2 + size));
    at = next;
  }
}
