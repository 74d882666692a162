import type { Cli } from '../command.ts';
import type { Request } from '../http/api.ts';
import { Failure } from '../failure.ts';
import { NotReachable, Refusal } from '../http/refusal.ts';

type Paid = Pick<Request, 'path' | 'body' | 'query' | 'headers'> & { readonly idempotencyKey: string };

/** Sends a POST that costs or moves credits; whoever stops it, or gets no answer, is told the key that makes a repeat safe. */
export async function sendPaid<Answer>(
  { world }: Cli,
  paid: Paid,
  send: (request: Request) => Promise<Answer>,
): Promise<Answer> {
  const again = `Repeat the command with --idempotency-key ${paid.idempotencyKey}: it has its effect once.`;
  world.whenStopped = () => `Stopped before there was an answer. ${again}`;
  try {
    return await send({ ...paid, method: 'POST' });
  } catch (error) {
    if (error instanceof NotReachable && error.mayBeDone) {
      throw new NotReachable(`${error.message} It is not known whether the request was carried out. ${again}`, true);
    }
    if (error instanceof Refusal && error.code === 'outcome_unknown') {
      throw new Failure(`${error.message} ${again}`, error.exitCode);
    }
    throw error;
  } finally {
    world.whenStopped = () => undefined;
  }
}
