/** A server-sent event. */
export interface ServerEvent {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: string;
}

/** The API says something every 15 s; a stream that is silent for longer is dead. */
const SILENCE_LIMIT_MS = 45_000;

/** The events of a stream until it ends. Raises when it breaks, or is silent for too long. */
export async function* readEvents(answer: Response, limitMs = SILENCE_LIMIT_MS): AsyncGenerator<ServerEvent> {
  if (answer.body === null) return;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await within(limitMs, reader.read());
      if (done) return;
      const blocks = (rest + value).replaceAll('\r\n', '\n').split('\n\n');
      rest = blocks.pop() ?? '';
      yield* blocks.map(parse).filter((event) => event !== undefined);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Undefined for a comment. */
function parse(block: string): ServerEvent | undefined {
  const lines = block.split('\n').map((line) => /^(\w+): ?(.*)$/.exec(line));
  const all = (name: string) => lines.flatMap((line) => (line?.[1] === name ? [line[2] ?? ''] : []));
  const data = all('data');
  return data.length === 0
    ? undefined
    : { id: all('id').at(-1), event: all('event').at(-1) ?? 'message', data: data.join('\n') };
}

async function within<Result>(limitMs: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the stream is silent')), limitMs);
  });
  return Promise.race([work, silence]).finally(() => clearTimeout(timer));
}
