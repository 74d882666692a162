import { readFileSync } from 'node:fs';
import { Worker } from '@temporalio/worker';
import { expect, inject, it } from 'vitest';
import type { Recorded } from '../harness/histories/files.ts';
import { readHistories } from '../harness/histories/files.ts';
import { signalledAfter } from '../harness/histories/signalled.ts';
import { OTHER_PATHS } from '../harness/histories/otherPaths.ts';
import { VIDEO_PATHS } from '../harness/histories/videoPaths.ts';
import { quietRuntime } from '../harness/support/temporal.ts';

/**
 * Histories of every path, as released versions have written them (`npm run histories:record`). Today's workflows must be able
 * to go on with each: webhooks and the reconciler move to a new version by themselves, and a generation can be moved.
 */

quietRuntime();
const recorded = await readHistories();

/** The names of the histories that the bundle can't go on with. */
async function findBroken(code: string, among = recorded): Promise<string[]> {
  const names = new Map(among.map(({ name, history }) => [runIdOf(history), name]));
  const broken: string[] = [];
  for await (const { runId, error } of Worker.runReplayHistories({ workflowBundle: { code } }, among)) {
    if (error !== undefined) broken.push(names.get(runId) ?? runId);
  }
  return broken.toSorted();
}

function runIdOf({ events }: Recorded['history']): string {
  return events?.[0]?.workflowExecutionStartedEventAttributes?.originalExecutionRunId ?? '';
}

const bundle = () => readFileSync(inject('bundlePath'), 'utf8');

it('the newest version has a history of every path', () => {
  const paths = [...Object.keys(VIDEO_PATHS), ...Object.keys(OTHER_PATHS)];
  const newest = recorded.at(-1)?.name.split('/')[0] ?? '';
  const found = recorded.map(({ name }) => name).filter((name) => name.startsWith(`${newest}/`));
  expect(found).toEqual(paths.map((path) => `${newest}/${path}`).toSorted());
});

it.each([
  ['a worker', 'bundlePath'],
  ['a worker that traces', 'tracedBundlePath'],
] as const)(
  'every recorded history can be gone on with by %s',
  async (_who, path) => {
    expect(await findBroken(readFileSync(inject(path), 'utf8'))).toEqual([]);
  },
  60_000,
);

it('a poll’s end and a provider’s event in one workflow task are seen in the same order with tracing as without', async () => {
  const together = recorded.flatMap((each) => signalledAfter('watchVideo', each) ?? []);
  const broken = await findBroken(bundle(), together);
  expect(broken.length).toBeLessThan(together.length);
  expect(await findBroken(readFileSync(inject('tracedBundlePath'), 'utf8'), together)).toEqual(broken);
}, 60_000);

it('a change that is not compatible is named by each history that it breaks', async () => {
  const planted = bundle().replaceAll('.submitVideo(', '.submitFilm(').replaceAll('.sendWebhook(', '.sendHook(');
  const touches = ({ history }: Recorded) =>
    (history.events ?? []).some(({ activityTaskScheduledEventAttributes: scheduled }) =>
      ['submitVideo', 'sendWebhook'].includes(scheduled?.activityType?.name ?? ''),
    );
  const touched = recorded.filter(touches).map(({ name }) => name);
  expect(touched.length).toBeGreaterThan(10);
  expect(await findBroken(planted)).toEqual(touched);
}, 60_000);
