import { Context } from '@temporalio/activity';

/** Short enough for a worker's death to be noticed long before the call's own time-out. */
const HEARTBEAT_MS = 3000;

/**
 * Does the work and sends heartbeats meanwhile, with these details. Without any it repeats the details of the activity's earlier
 * try, which would be lost otherwise.
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
