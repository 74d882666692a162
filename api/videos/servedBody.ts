import type { ServedPart } from '../../store/index.ts';

/**
 * The same body; when it ends, breaks off or is left by its reader, `record` is told which bytes that reader had. `from`: where
 * the body begins; `total`: of the whole content, null for a body that goes to its end.
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
  // Nothing waits in a queue here: what is counted was taken.
  return new ReadableStream({ pull, cancel }, { highWaterMark: 0 });
}
