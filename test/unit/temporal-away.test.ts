import { afterEach, expect, it } from 'vitest';
import { createTemporalClient, isTemporalUp } from '../../temporal/connection.ts';
import { createGenerations } from '../../temporal/generations.ts';
import { closedPort, closeServers, serveTcp } from './provider-server.ts';

/** What the API's client does while Temporal is away. */

afterEach(closeServers);

const clientOf = (port: number) => createTemporalClient({ connectionOptions: { address: `127.0.0.1:${port}` } });

// MR-28
it('a start is given up within seconds when nobody listens, however long a request may wait for its hold', async () => {
  const client = clientOf(await closedPort());
  const generation = { generationId: 'video_01a20726dcc775958c353d17cc426c9b', accountId: 'acct_1' };
  const patience = { timeoutMs: 20_000, givingUp: new AbortController().signal };
  const beganMs = performance.now();
  await expect(createGenerations(client).start(generation, patience)).rejects.toThrow();
  expect(performance.now() - beganMs).toBeLessThan(10_000);
  await client.connection.close();
});

it('a call that is tried again fails when its connection is closed, and raises nothing that nobody can catch', async () => {
  const uncaught: unknown[] = [];
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error));
  try {
    const client = clientOf(await closedPort());
    const called = createGenerations(client).isRunning('video_1');
    const failed = expect(called).rejects.toThrow();
    await expect(isTemporalUp(client, 200)).resolves.toBe(false);
    await client.connection.close();
    await failed;
    expect(uncaught).toEqual([]);
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const other of others) process.on('uncaughtException', other);
  }
});

it('a server that was away for long is connected to within a second of its return', { timeout: 20_000 }, async () => {
  const triedMs: number[] = [];
  const port = await serveTcp((socket) => {
    triedMs.push(performance.now());
    socket.destroy();
  });
  const client = clientOf(port);
  while (triedMs.length < 5) await isTemporalUp(client, 500);
  await client.connection.close();
  // With gRPC's own patience the fifth attempt comes after nine seconds.
  expect((triedMs.at(-1) ?? Infinity) - (triedMs[0] ?? 0)).toBeLessThan(6500);
});
