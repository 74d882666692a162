import type { ServedPart } from '../../store/index.ts';

/**
 * The same body. When it ends, breaks off or is cancelled by its reader, `record` is called with the bytes that the reader
 * took. `from` is where the body begins; `total` is the length of the whole content, null for a body that runs to its end.
 */
export function recorded(
  body: ReadableStream<Uint8Array>,
  { from, total }: { readonly from: number; readonly total: number | null },
  record: (part: ServedPart) => Promise<void>,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let to = from;
  const end = async (length: number | null) => {
    if (to > from) await record({ from, to, total: length });
  };
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    const next = await reader.read().catch(async (error: unknown) => {
      await end(total);
      throw error;
    });
    if (next.done) {
      await end(total ?? to);
      controller.close();
      return;
    }
    to += next.value.length;
    controller.enqueue(next.value);
  };
  const cancel = async (reason: unknown) => {
    await Promise.all([end(total), reader.cancel(reason)]);
  };
  // Nothing is queued here, so every byte that is counted was taken by the reader.
  return new ReadableStream({ pull, cancel }, { highWaterMark: 0 });
}
