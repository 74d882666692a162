import { Context } from '@temporalio/activity';

/** So that a worker's death is noticed well before the call's own time is over. */
const HEARTBEAT_MS = 3000;

/**
 * Does the work while heartbeats go out, with these details; without any, with those of the activity's earlier try, which
 * would be lost otherwise.
 */
export async function withHeartbeats<Result>(
  work: () => Promise<Result>,
  details: (context: Context) => unknown = () => undefined,
): Promise<Result> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(details(context) ?? context.info.heartbeatDetails), HEARTBEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
