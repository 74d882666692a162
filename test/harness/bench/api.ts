import { untilItWorks } from '../../../dev/ports.ts';
import { forEachOf } from '../support/forEachOf.ts';
import { startOwnStack } from '../support/ownStack.ts';
import { benchCreates } from './apiCreates.ts';
import { benchReads } from './apiReads.ts';

/**
 * `npm run bench:api [rounds] [seconds a round] [creates a round; 0: reads alone]`: the API's overhead over the systems below it.
 * Everything runs as `npm start` runs it; the variants alternate in each round, and the figures are medians.
 */

const [rounds = 5, seconds = 5, creates = 100] = process.argv.slice(2).map(Number);
const VIDEOS = 50;
const GRANTED = 1_000_000_000;

const stack = await startOwnStack({
  LOG_LEVEL: 'warn',
  // Created videos stay in progress, so only the submissions are measured.
  SIMULATOR_VIDEO_SECONDS: '3600',
  RATE_LIMIT_PER_MINUTE: '1000000',
});
try {
  const account = await stack.openAccount(GRANTED);
  const call = (path: string, init: RequestInit = {}) =>
    fetch(`${stack.endpoints.api}/v1${path}`, {
      ...init,
      headers: { authorization: `Bearer ${account.key}`, 'content-type': 'application/json' },
    });
  const prompts = Array.from({ length: VIDEOS }, (_, index) => `fox ${index} [[after:1s]]`);
  const ids = await forEachOf(prompts, 4, async (prompt) => {
    const answer = await call('/videos', { method: 'POST', body: JSON.stringify({ prompt }) });
    return ((await answer.json()) as { id: string }).id;
  });
  await untilItWorks(
    async () => {
      const { held_microcredits: held } = (await (await call('/credits')).json()) as { held_microcredits: number };
      if (held > 0) throw new Error('videos are still in progress');
    },
    120_000,
    500,
  );
  const lines = await benchReads(stack, account, ids, { rounds, seconds });
  if (creates > 0) lines.push(...(await benchCreates(stack, { rounds, creates })));
  process.stdout.write(`${lines.join('\n')}\n`);
} finally {
  await stack.stop();
}
