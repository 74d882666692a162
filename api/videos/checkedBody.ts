import { checkContent, type ContentCheck, HEAD_BYTES } from '../../provider/index.ts';
import { NOTHING_SHOWN, type ContentVariant } from '../../contracts/content.ts';

/** Checks the beginning of a content: being incomplete is no fault. Its type stays unknown when it is too short to tell. */
export function checkBeginning(variant: ContentVariant): ContentCheck {
  const check = checkContent(variant);
  return {
    take: (chunk) => check.take(chunk),
    end: () => Promise.resolve(check.type ?? ''),
    get type() {
      return check.type;
    },
    shows: NOTHING_SHOWN,
  };
}

export interface Head {
  readonly chunks: Uint8Array[];
  readonly isAll: boolean;
}

/** Reads until the type is known. Raises when the content has no such type, or ends there and is incomplete. */
export async function readHead(reader: ReadableStreamDefaultReader<Uint8Array>, check: ContentCheck): Promise<Head> {
  const chunks: Uint8Array[] = [];
  for (let bytes = 0; bytes < HEAD_BYTES;) {
    const { done, value } = await reader.read();
    if (done) {
      await check.end();
      return { chunks, isAll: true };
    }
    await check.take(value);
    chunks.push(value);
    bytes += value.length;
  }
  return { chunks, isAll: false };
}

/** The chunks that were read, then the rest. One chunk is held back until the next one arrives, or the end passes its check. */
export function rest(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  check: ContentCheck,
  { chunks, isAll }: Head,
): ReadableStream<Uint8Array> {
  let isEnded = isAll;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      while (!isEnded && chunks.length < 2) {
        const { done, value } = await reader.read();
        if (done) await check.end();
        else await check.take(value);
        if (done) isEnded = true;
        else chunks.push(value);
      }
      const next = chunks.shift();
      if (next === undefined) controller.close();
      else controller.enqueue(next);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
