import type OpenAI from 'openai';
import { expectTypeOf, it } from 'vitest';
import type { Quote } from '../../api/generations/quote.ts';
import type { Video } from '../../api/videos/videoObject.ts';
import type { CreateVideoFields, RemixVideo } from '../../api/videos/videoRequest.ts';
import type { Quote as ClientsQuote } from '../../clients/holdfast.d.ts';

/** clients/holdfast.d.ts and the contract say the same: `npm run types` fails here where they differ. */

type Plain<T> = { [Key in keyof T]-?: Exclude<T[Key], undefined> };

it('the types for OpenAI’s SDK have every field of a video that OpenAI does not know', () => {
  expectTypeOf<keyof Video>().toEqualTypeOf<keyof OpenAI.Video>();
  expectTypeOf<Plain<OpenAI.Video['credits']>>().toEqualTypeOf<Plain<Video['credits']>>();
  expectTypeOf<OpenAI.Video['metadata']>().toEqualTypeOf<Video['metadata']>();
  expectTypeOf<OpenAI.Video['parameters']>().toEqualTypeOf<Video['parameters']>();
  expectTypeOf<OpenAI.Video['user']>().toEqualTypeOf<Video['user']>();
});

it('the types for OpenAI’s SDK have every field of a request', () => {
  expectTypeOf<keyof OpenAI.VideoCreateParams>().toEqualTypeOf<keyof CreateVideoFields>();
  expectTypeOf<keyof OpenAI.VideoRemixParams>().toEqualTypeOf<keyof (typeof RemixVideo)['shape']>();
});

it('the types for OpenAI’s SDK have the quote of a dry run', () => {
  expectTypeOf<ClientsQuote>().toEqualTypeOf<Quote>();
});
