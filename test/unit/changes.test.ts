import { expect, it } from 'vitest';
import { listenForChanges } from '../../store/index.ts';
import { closeServers, serveTcp } from './provider-server.ts';

it('a database that stays away is tried again and again, and leaves no listener behind and one line in the log', async () => {
  const warnings: Error[] = [];
  const warn = (warning: Error) => warnings.push(warning);
  process.on('warning', warn);
  const reported: Error[] = [];
  let tries = 0;
  let tryEnough = () => {};
  const enough = new Promise<void>((resolve) => (tryEnough = resolve));
  const port = await serveTcp((socket) => {
    socket.destroy();
    tries += 1;
    if (tries === 15) tryEnough();
  });
  const databaseUrl = `postgres://holdfast_service:password@127.0.0.1:${port}/holdfast`;
  const changes = listenForChanges({ databaseUrl, onError: (error) => reported.push(error), reconnectMs: 1 });
  await enough;
  await changes.close();
  process.off('warning', warn);
  await closeServers();
  expect(warnings).toEqual([]);
  expect(reported).toHaveLength(1);
});
