import type { WorkflowInterceptorsFactory } from '@temporalio/workflow';
import {
  OpenTelemetryInboundInterceptor,
  OpenTelemetryInternalsInterceptor,
  OpenTelemetryOutboundInterceptor,
} from '@temporalio/interceptors-opentelemetry-v2/lib/workflow/index.js';

/**
 * OpenTelemetry's interceptors, in the second bundle alone (`dev/build.mjs`), which workers take that are configured to trace. Both
 * bundles are one build: a generation that began on one may go on with the other, so tracing must not change what a history says.
 */

type Intercepted<Input, Result> = (input: Input, next: (input: Input) => Promise<Result>) => Promise<Result>;

/**
 * Traces a call beside the workflow. The interceptor calls `next` at once, with its headers; the workflow gets the very promise that
 * `next` returned, not the interceptor's, which settles some microtasks later. Within those, other things
 * of the same workflow task would be seen first: a provider's event before the end of a poll that came with it.
 */
function beside<Input, Result>(trace: Intercepted<Input, Result>): Intercepted<Input, Result> {
  return (input, next) => {
    const called: { result?: Promise<Result> } = {};
    const traced = trace(input, (changed) => (called.result = next(changed)));
    traced.catch(() => undefined);
    return called.result ?? traced;
  };
}

/** What our workflows do and are told; they have no queries, validators, Nexus operations or signals of their own. */
export const interceptors: WorkflowInterceptorsFactory = () => {
  const inbound = new OpenTelemetryInboundInterceptor();
  const outbound = new OpenTelemetryOutboundInterceptor();
  return {
    inbound: [
      {
        execute: beside((input, next) => inbound.execute(input, next)),
        handleSignal: beside((input, next) => inbound.handleSignal(input, next)),
        handleUpdate: beside((input, next) => inbound.handleUpdate(input, next)),
      },
    ],
    outbound: [
      {
        scheduleActivity: beside((input, next) => outbound.scheduleActivity(input, next)),
        scheduleLocalActivity: beside((input, next) => outbound.scheduleLocalActivity(input, next)),
        startChildWorkflowExecution: beside((input, next) => outbound.startChildWorkflowExecution(input, next)),
        continueAsNew: beside((input, next) => outbound.continueAsNew(input, next)),
      },
    ],
    internals: [new OpenTelemetryInternalsInterceptor()],
  };
};
