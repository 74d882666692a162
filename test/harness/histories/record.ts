import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { TASK_QUEUE } from '../../../contracts/temporal.ts';
import { fakeWorld } from '../support/fakes.ts';
import type { Stage } from '../support/temporal.ts';
import { createTimeSkipping, openStage, startWorkers } from '../support/temporal.ts';
import { folderOf, keepHistory } from './files.ts';
import { OTHER_PATHS, otherActivities } from './otherPaths.ts';
import { VIDEO_PATHS } from './videoPaths.ts';

/**
 * `npm run histories:record`: records a history of each path of every workflow in test/replay, for the version in package.json.
 * Run before a release; the folder of a version that was released is never recorded again.
 */

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

beforeAll(() => rm(folderOf(version), { recursive: true, force: true }));

describe('videos', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.close());

  it.for(Object.entries(VIDEO_PATHS))('%s', async ([path, { meanwhile, ...options }]) => {
    const world = fakeWorld({ ...options, now: () => stage.env.currentTimeMs() });
    await stage.play(world, async (handle) => {
      await meanwhile?.(handle);
      await handle.result();
      await keepHistory(version, path, handle.workflowId, await handle.fetchHistory());
    });
  });
});

describe('texts, deliveries and the reconciler', () => {
  let env: Stage['env'];
  let stop: () => Promise<void>;
  beforeAll(async () => {
    env = await createTimeSkipping();
    stop = await startWorkers(
      env,
      otherActivities(() => env.currentTimeMs()),
    );
  });
  afterAll(async () => {
    await stop();
    await env.teardown();
  });

  it.for(Object.entries(OTHER_PATHS))('%s', async ([path, { type, workflowId, input }]) => {
    const started = { workflowId, taskQueue: TASK_QUEUE.workflowsAndLedger, args: [input] };
    const handle = await env.client.workflow.start(type, started);
    await handle.result();
    await keepHistory(version, path, workflowId, await handle.fetchHistory());
  });
});
