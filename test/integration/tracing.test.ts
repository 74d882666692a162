import { readFileSync } from 'node:fs';
import { context, propagation, trace } from '@opentelemetry/api';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import type { ActivityDependencies } from '../../activities/index.ts';
import type { Tracing } from '../../platform/tracing.ts';
import { startTracing } from '../../platform/tracing.ts';
import { ask } from '../harness/support/generations.ts';
import type { Receiver } from '../harness/support/receiver.ts';
import { startReceiver } from '../harness/support/receiver.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

/** OpenTelemetry's spans of a generation, as a collector receives them; and what was traced replays without tracing. */

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
}

interface Exported {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[];
}

const SECRET = 'a-word-of-the-prompt';

let collector: Receiver;
let tracing: Tracing;
let stack: TestStack;
let account: TestAccount;
beforeAll(async () => {
  collector = await startReceiver();
  const started = await startTracing('worker', {
    tracesEndpoint: `http://127.0.0.1:${collector.port}`,
    logLevel: 'fatal',
  });
  if (started === undefined) throw new Error('nothing is traced');
  tracing = started;
  stack = await startStack({ tracing, wrapped: failingOnce });
  account = await openAccount(stack, 1_000_000_000);
});
afterAll(async () => {
  await stack.stop();
  await collector.close();
  // The files that come after this one in the same process don't trace.
  for (const part of [trace, context, propagation]) part.disable();
});

/** The local try at the hold fails, with words that must not get into a trace. */
function failingOnce(deps: ActivityDependencies): ActivityDependencies {
  const { ledger } = deps.hasty;
  const placeHold: typeof ledger.placeHold = async () => {
    throw new Error(SECRET);
  };
  return { ...deps, hasty: { ...deps.hasty, ledger: { ...ledger, placeHold } } };
}

function spansOf({ received }: Receiver): Span[] {
  const exported = received.map(({ body }) => JSON.parse(body) as Exported);
  return exported.flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
  );
}

it('a traced generation is one trace without secrets, and a worker that does not trace can go on with it', async () => {
  const id = await ask(account, SECRET);
  const handle = stack.temporal.workflow.getHandle(id);
  await handle.result();
  await tracing.close();

  const spans = spansOf(collector);
  const root = 'UpdateWithStartWorkflow:placed';
  const ofTrace = spans.filter(({ traceId }) => traceId === spans.find(({ name }) => name === root)?.traceId);
  const pathOf = (span: Span | undefined): string[] =>
    span === undefined ? [] : [...pathOf(ofTrace.find(({ spanId }) => spanId === span.parentSpanId)), span.name];
  const paths = ofTrace.map((span) => pathOf(span).join(' → '));
  const workflow = `${root} → RunWorkflow:generateVideo`;
  const run = (activity: string) => `${workflow} → StartActivity:${activity} → RunActivity:${activity}`;
  expect(paths).toEqual(
    expect.arrayContaining([root, workflow, `${root} → HandleUpdate:placed`, run('submitVideo'), run('captureHold')]),
  );
  // As a local activity, which fails, and as a regular one.
  expect(paths.filter((path) => path === run('placeHold'))).toHaveLength(2);

  const sent = collector.received.map(({ body }) => body).join();
  expect(sent).toContain(id);
  for (const secret of [SECRET, account.key, account.id]) expect(sent).not.toContain(secret);
  const keys = new Set(spans.flatMap(({ attributes }) => attributes.map(({ key }) => key)));
  expect([...keys].toSorted()).toEqual(['run_id', 'temporalActivityId', 'temporalUpdateId', 'temporalWorkflowId']);

  const history = await handle.fetchHistory();
  const code = readFileSync(inject('bundlePath'), 'utf8');
  const replayed = Worker.runReplayHistories({ workflowBundle: { code } }, [{ workflowId: id, history }]);
  for await (const { error } of replayed) expect(error).toBeUndefined();
});
