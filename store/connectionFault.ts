import type { Pool } from './pool.ts';

/** Why a database can't be used, in one line for an operator. */
export interface ConnectionFault {
  readonly why: string;
  /** The server has answered: waiting does not help. */
  readonly refused: boolean;
}

const REFUSALS = new Map<string, (place: Place) => string>([
  ['28P01', ({ user }) => `refuses the password of ${user}: correct it`],
  ['28000', ({ user }) => `does not let ${user} in: correct the role, or pg_hba.conf`],
  ['3D000', ({ database }) => `has no database "${database}": create it, or correct the name`],
  ['42501', ({ user }) => `does not give ${user} the right to do this: run "npm run migrate", or name another role`],
  ['3F000', () => 'has no tables of Holdfast: run "npm run migrate"'],
  ['42P01', () => 'has no tables of Holdfast: run "npm run migrate"'],
]);

const FAILURES = new Map([
  ['ECONNREFUSED', 'refuses the connection'],
  ['ENOTFOUND', 'is on a host whose name is not found'],
  ['EAI_AGAIN', 'is on a host whose name could not be looked up'],
  ['ENETUNREACH', 'is on a network that is not reachable'],
  ['EHOSTUNREACH', 'is on a host that is not reachable'],
  ['ETIMEDOUT', 'does not answer'],
  ['ECONNRESET', 'closes the connection'],
  ['53300', 'has no connection free'],
  ['57P03', 'is starting or stopping'],
]);

interface Place {
  readonly user: string;
  readonly database: string;
}

/**
 * Explains an error of connecting to the database of a variable, such as DATABASE_URL; undefined for any other error. Names the
 * host and the role, never the password.
 */
export function connectionFault(error: unknown, variable: string, url: string): ConnectionFault | undefined {
  if (!(error instanceof Error)) return undefined;
  const { host, username, pathname } = new URL(url);
  const place = { user: decodeURIComponent(username) || 'this user', database: decodeURIComponent(pathname.slice(1)) };
  const server = `PostgreSQL at ${host || 'its local socket'} (${variable})`;
  const code = codeOf(error);
  const refusal = REFUSALS.get(code);
  if (refusal !== undefined) return { why: `${server} ${refusal(place)}.`, refused: true };
  if (/^SASL/.test(error.message)) {
    return { why: `${server} wants a password for ${place.user}: add it to the URL.`, refused: true };
  }
  const silent = /timeout|Connection terminated/.test(error.message) ? 'does not answer' : undefined;
  const failure = FAILURES.get(code) ?? silent;
  if (failure === undefined) return undefined;
  return {
    why: `${server} ${failure}${code === '' ? '' : ` (${code})`}: start it, or correct ${variable}.`,
    refused: false,
  };
}

/** Whether the pool's database answers: undefined when it does, else why not. Never raises. */
export async function contactDatabase(pool: Pool, variable: string, url: string): Promise<ConnectionFault | undefined> {
  try {
    await pool.query('SELECT');
    return undefined;
  } catch (error) {
    const fault = connectionFault(error, variable, url);
    return fault ?? { why: `The database of ${variable} can't be used: ${(error as Error).message}.`, refused: false };
  }
}

/** The ledger's own errors wrap the driver's. */
function codeOf(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : error;
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
}
