import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../failure.ts';
import type { Api } from '../http/api.ts';
import { readEvents, type ServerEvent } from '../http/serverEvents.ts';
import type { WrittenText } from '../objects.ts';
import { oneLine } from '../output/clean.ts';
import type { TextPrinter } from './textPrinter.ts';

type TextEvent =
  | (WrittenText & { readonly type: 'created' | 'completed' | 'failed' })
  | { readonly type: 'delta'; readonly delta: string }
  | { readonly type: 'error'; readonly id: string; readonly error: { readonly message: string } };

/** The text as the stream saw it last; it is in progress still if the stream broke. Raises `Failure` if nothing came at all. */
export async function followStream(
  answer: Response,
  printer: TextPrinter,
  begun: (id: string) => void,
): Promise<WrittenText> {
  let text: WrittenText | undefined;
  const read = async () => {
    for await (const event of readEvents(answer)) {
      const told = parse(event);
      if (told.type === 'error') throw new Failure(`${oneLine(told.error.message)} holdfast show ${told.id}`);
      if (told.type === 'delta') {
        printer.add(told.delta);
        continue;
      }
      const { type, ...whole } = told;
      text = whole;
      if (type !== 'created') return;
      begun(whole.id);
      printer.add(whole.output);
    }
  };
  await read().catch((error: unknown) => {
    if (error instanceof Failure) throw error;
  });
  if (text === undefined)
    throw new Failure('The stream broke before it named the text. holdfast statement shows whether it is held.');
  return text;
}

function parse({ data }: ServerEvent): TextEvent {
  return JSON.parse(data) as TextEvent;
}

const PAUSE_MS = 1000;

/** Asks until the text has ended. Raises what `Api` does. */
export async function waitForText(api: Api, { id, object }: WrittenText): Promise<WrittenText> {
  for (;;) {
    const text = await api.get<WrittenText>(`/v1/${object}s/${id}`);
    if (text.status !== 'in_progress') return text;
    await sleep(PAUSE_MS);
  }
}
