import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import getPort, { portNumbers } from 'get-port';

const LOWEST_FREE_PORT = 10_000;
const HIGHEST_FREE_PORT = 32_000;

/** The ports of one stack, each with the variable that moves it. */
export const portVariables = {
  PORT: 3000,
  TEMPORAL_PORT: 7233,
  TEMPORAL_UI_PORT: 8233,
  POSTGRES_PORT: 54329,
  SIMULATOR_PORT: 3001,
  METRICS_PORT: 9464,
  WORKER_METRICS_PORT: 9465,
} as const;

export type PortVariable = keyof typeof portVariables;
export type Ports = Record<PortVariable, number>;

/** Its message is for the user: one line, printed without a stack trace. */
export class StartRefused extends Error {}

/** The same for a fault of the environment, which waiting does not mend. */
export class Misconfigured extends StartRefused {}

/** Reads the ports from an environment. Raises `Misconfigured` for an invalid port and for one that two parts share. */
export function readPorts(environment: NodeJS.ProcessEnv): Ports {
  const ports: Ports = { ...portVariables };
  const users = new Map<number, string>();
  for (const variable of Object.keys(portVariables) as PortVariable[]) {
    const value = environment[variable];
    if (value !== undefined && value !== '') ports[variable] = Number(value);
    const port = ports[variable];
    if (!Number.isInteger(port) || port < 1 || port > 65535) {
      throw new Misconfigured(`${variable}=${value} is not a port: give a number from 1 to 65535.`);
    }
    const other = users.get(port);
    if (other !== undefined)
      throw new Misconfigured(`${other} and ${variable} are both ${port}: give each its own port.`);
    users.set(port, variable);
  }
  return ports;
}

/** Raises `StartRefused` with every needed port that is taken and its variable. */
export async function refuseTakenPorts(ports: Ports, needed: PortVariable[]): Promise<void> {
  const answers = await Promise.all(
    needed.map(async (variable) => ({ variable, free: await isFree(ports[variable]) })),
  );
  const taken = answers.filter(({ free }) => !free).map(({ variable }) => `port ${ports[variable]} (${variable})`);
  if (taken.length === 0) return;
  const variables = taken.length === 1 ? 'that variable to another port' : 'those variables to other ports';
  const list = taken.join(', ');
  throw new StartRefused(
    `${list.charAt(0).toUpperCase()}${list.slice(1)} ${taken.length === 1 ? 'is' : 'are'} taken by another program: stop it, or set ${variables}.`,
  );
}

async function isFree(port: number): Promise<boolean> {
  // Both checks are needed: a listener on all addresses may not prevent a second one on 127.0.0.1 (macOS), and a listener
  // may not answer.
  return !(await isListening(port)) && (await canListen(port));
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 500 });
    const end = (taken: boolean) => () => {
      socket.destroy();
      resolve(taken);
    };
    socket.on('connect', end(true)).on('timeout', end(true)).on('error', end(false));
  });
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Raises unless somebody listens on the port. */
export async function contactPort(port: number): Promise<void> {
  if (!(await isListening(port))) throw new StartRefused(`Nothing answers on port ${port}.`);
}

/**
 * A port of 127.0.0.1 that was free a moment ago, and that this process was not given before. It is below the ports that systems give
 * to outgoing connections and to listeners on port 0 (from 32768 on Linux, from 49152 on macOS), so none of those takes it meanwhile.
 */
export function freePort(): Promise<number> {
  const from = randomInt(LOWEST_FREE_PORT, HIGHEST_FREE_PORT);
  return getPort({ host: '127.0.0.1', port: portNumbers(from, HIGHEST_FREE_PORT), reserve: true });
}

/** Resolves when `attempt` stops rejecting; rejects with its last error after `limitMs`. */
export async function untilItWorks<T>(attempt: () => Promise<T>, limitMs: number, pauseMs = 40): Promise<T> {
  const until = performance.now() + limitMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > until) throw error;
    }
    await delay(pauseMs);
  }
}
