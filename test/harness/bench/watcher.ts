import type { Agent } from 'undici';
import { request } from 'undici';

/** The events of a generation that one client received. */
export interface Watched {
  readonly id: string;
  /** Undefined: it has no answer yet. */
  connectedAtMs: number | undefined;
  readonly events: { readonly event: string; readonly sequence: number; readonly atMs: number }[];
  /** `ended` by the server, or what went wrong. */
  over: string | undefined;
}

/** Follows a stream of server-sent events to its end, and records each event with its time. Never raises. */
export async function watch(
  agent: Agent,
  url: string,
  headers: Record<string, string>,
  watched: Watched,
): Promise<void> {
  try {
    const answer = await request(url, { dispatcher: agent, headers });
    if (answer.statusCode !== 200) throw new Error(`${answer.statusCode} ${await answer.body.text()}`);
    watched.connectedAtMs = Date.now();
    let rest = '';
    for await (const chunk of answer.body) {
      const atMs = Date.now();
      const blocks = (rest + String(chunk)).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = /^event: (.*)$/m.exec(block)?.[1];
        const sequence = Number(/^id: (.*)$/m.exec(block)?.[1]);
        if (event !== undefined) watched.events.push({ event, sequence, atMs });
      }
    }
    watched.over = 'ended';
  } catch (error) {
    watched.over = error instanceof Error ? error.message : String(error);
    watched.connectedAtMs ??= Date.now();
  }
}
