import { startOwnStack } from '../support/ownStack.ts';

/** Starts the stack of `npm start` with the Node that runs this, makes a video, and says on which Node. */

const LIMIT_MS = 30_000;
const stack = await startOwnStack({ SIMULATOR_VIDEO_SECONDS: '0.5' });
try {
  const { api, apiKey } = stack.endpoints;
  const call = async (path: string, body?: object) => {
    const sent = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
    return (await (await fetch(`${api}/v1${path}`, { headers, ...sent })).json()) as { id: string; status: string };
  };
  let video = await call('/videos', { prompt: 'a red fox' });
  for (const deadline = Date.now() + LIMIT_MS; video.status !== 'completed' && Date.now() < deadline;) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    video = await call(`/videos/${video.id}`);
  }
  if (video.status !== 'completed') throw new Error(`the video is ${video.status} after ${LIMIT_MS / 1000} s`);
  console.log(`A video was made on Node ${process.version}.`);
} finally {
  await stack.stop();
}
