import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { inputBoundTokens } from '../../provider/index.ts';
import {
  completionOf,
  parseTextRequest,
  POSTS,
  readOutput,
  TEXT_LENGTHS,
  type TextRequest,
} from '../../texts/index.ts';
import { closeServers, provider, serve } from './provider-server.ts';

afterEach(closeServers);

const script: TextRequest = { kind: 'script', model: 'm', topic: 'a red fox', tone: 'friendly', length: 'short' };
const thread: TextRequest = { kind: 'thread', model: 'm', topic: 'a red fox', tone: 'friendly', posts: 2 };

// MR-60
describe('what credits are held for', () => {
  const fields = {
    model: fc.constant('gpt-4.1-mini'),
    topic: fc.string({ unit: 'binary', minLength: 100, maxLength: 400 }),
    tone: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 100 }),
  };
  const requests: fc.Arbitrary<TextRequest> = fc.oneof(
    fc.record({ kind: fc.constant('script' as const), ...fields, length: fc.constantFrom(...TEXT_LENGTHS) }),
    fc.record({ kind: fc.constant('thread' as const), ...fields, posts: fc.integer({ min: 2, max: 20 }) }),
  );

  it('is more than every byte that is sent as input, and all that may be written', async () => {
    const { baseUrl, requests: recorded } = await serve((response) => response.writeHead(400).end());
    const { writeText } = provider(baseUrl);
    await fc.assert(
      fc.asyncProperty(requests, async (request) => {
        const completion = completionOf(request);
        await writeText(completion, async () => true);
        const sent: unknown = JSON.parse(recorded.at(-1)?.body.toString() ?? '');
        expect(sent).toMatchObject({ max_completion_tokens: completion.maxOutputTokens });
        const { stream: _, stream_options: __, ...input } = sent as Record<string, unknown>;
        expect(inputBoundTokens(completion)).toBeGreaterThan(Buffer.byteLength(JSON.stringify(input)));
      }),
      { numRuns: 50 },
    );
  });

  it('is the same for a request that was kept and read again', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const kept: unknown = JSON.parse(JSON.stringify(request));
        expect(completionOf(parseTextRequest(kept))).toEqual(completionOf(request));
      }),
    );
  });
});

describe('a request that was kept', () => {
  it('is read by a version that does not know all of its fields, or has other bounds', () => {
    expect(parseTextRequest({ ...script, mood: 'new' })).toEqual(script);
    expect(parseTextRequest({ ...thread, posts: POSTS.maximum + 1 })).toMatchObject({ posts: POSTS.maximum + 1 });
  });

  // MR-80
  it.each([
    [{ ...script, length: 'secret words' }, 'length'],
    [{ ...script, kind: 'secret words' }, 'kind'],
    [{ kind: 'thread', topic: 'secret words' }, 'model, tone, posts'],
    ['secret words', 'all of it'],
  ])('is not quoted by the error that it cannot be read (%#)', (kept, fields) => {
    expect(() => parseTextRequest(kept)).toThrow(new Error(`the request of a text cannot be read: ${fields}`));
  });
});

describe('what a model wrote', () => {
  it.each<[TextRequest, object]>([
    [script, { title: 'Snow', text: 'A fox.' }],
    [thread, { posts: ['one', 'two'] }],
  ])('is read in the form that was asked for (%#)', (request, written) => {
    expect(readOutput(request, JSON.stringify(written))).toEqual(written);
  });

  it.each<[TextRequest, string]>([
    [script, ''],
    [script, '{"title":"Snow","te'],
    [script, '{"title":"Snow","text":""}'],
    [script, '{"posts":["one","two"]}'],
    [thread, '{"posts":["one"]}'],
    [thread, '{"posts":["one","two","three"]}'],
    [thread, '{"posts":["one",""]}'],
    [thread, 'null'],
  ])('is not a text in any other form (%#)', (request, output) => {
    expect(readOutput(request, output)).toBeNull();
  });
});
