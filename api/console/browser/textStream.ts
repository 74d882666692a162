interface TextEvent {
  readonly type: string;
  readonly delta?: string;
  readonly output?: string;
}

/** The events of a text that is written; their data says what they are. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<TextEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += decoder.decode(value, { stream: true });
    const events = rest.split('\n\n');
    rest = events.pop() ?? '';
    for (const event of events) {
      const data = event.split('\n').find((line) => line.startsWith('data:'));
      if (data !== undefined) yield JSON.parse(data.slice('data:'.length)) as TextEvent;
    }
  }
}
