import { expect, vi } from 'vitest';
import type { TestAccount } from './stack.ts';

/** Answers of the API, as clients see them. */

/** A video as the API shows it. */
export type Shown = Record<string, unknown> & {
  id: string;
  status: string;
  error: { code: string; message: string } | null;
  credits: { state: string; message: string; amount_microcredits: number; settled_at: number | null };
};

/** Waits until a video has ended, and returns it. */
export async function untilTerminal({ client }: TestAccount, id: string): Promise<Shown> {
  return vi.waitFor(
    async () => {
      const video = (await client.videos.retrieve(id)) as unknown as Shown;
      if (video.status !== 'completed' && video.status !== 'failed') throw new Error(`still ${video.status}`);
      return video;
    },
    { timeout: 25_000, interval: 100 },
  );
}

/** A POST with this body as JSON. */
export const jsonPost = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

/** Checks that an answer has the form of a refusal; returns its message. */
export async function expectRefused(answer: Response, status: number, code: string, param?: string) {
  const body = (await answer.json()) as { error: { code: string; param: string | null; message: string } };
  expect({ status: answer.status, body }).toMatchObject({ status, body: { error: { code, param: param ?? null } } });
  expect(answer.headers.get('x-request-id')).toBeTruthy();
  return body.error.message;
}
