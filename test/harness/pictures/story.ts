import { setTimeout as sleep } from 'node:timers/promises';
import type { OwnStack } from '../support/ownStack.ts';

/** What has happened in the pictures: a customer who made some videos, one of which was blocked. */

export interface Story {
  readonly key: string;
  readonly adminKey: string;
  /** A video that completed. */
  readonly videoId: string;
}

const PROMPTS: readonly [prompt: string, seconds: string][] = [
  ['a paper boat drifts down a rainy street', '8'],
  ['a lighthouse at dusk, waves against the rocks', '4'],
  ['a red fox runs through fresh snow at dawn', '4'],
  ['an ad for iqus e cigerrates', '4'],
];

interface Made {
  readonly id: string;
  readonly status: string;
}

const LIMIT_MS = 60_000;

/** Opens an account and makes the videos, one after the other, each to its end. */
export async function fillAccount({ endpoints, openAccount }: OwnStack): Promise<Story> {
  const { key } = await openAccount(10_000_000);
  let videoId = '';
  for (const [prompt, seconds] of PROMPTS) {
    const video = await makeVideo(endpoints.api, key, prompt, seconds);
    if (video.status === 'completed') videoId = video.id;
  }
  return { key, adminKey: endpoints.adminKey, videoId };
}

async function makeVideo(api: string, key: string, prompt: string, seconds: string): Promise<Made> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const ask = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${api}/v1/videos${path}`, { ...init, headers });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Made;
  };
  const body = JSON.stringify({ model: 'sora-2', prompt, seconds });
  const { id } = await ask('', { method: 'POST', body });
  const endsAt = Date.now() + LIMIT_MS;
  while (Date.now() < endsAt) {
    const video = await ask(`/${id}`);
    if (['completed', 'failed'].includes(video.status)) return video;
    await sleep(200);
  }
  throw new Error(`"${prompt}" was not made within ${LIMIT_MS / 1000} s`);
}
