import { createHash } from 'node:crypto';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import pg from 'pg';

/**
 * The baseline of `npm run bench:api`: hono and pg with the API's statements and pool size, without authentication,
 * validation or mapping. It runs in its own process and prints its port once it listens.
 */

interface Given {
  readonly databaseUrl: string;
  readonly poolSize: number;
  readonly accountId: string;
  /** The SELECT of a video, and that of a key. */
  readonly video: { name: string; text: string };
  readonly caller: { name: string; text: string };
}

const given = JSON.parse(process.argv[2] ?? '') as Given;
const pool = new pg.Pool({ connectionString: given.databaseUrl, max: given.poolSize });
// The server ends with connections still open.
pool.on('error', () => undefined);
const app = new Hono();
const select = async (id: string) =>
  (await pool.query<Record<string, unknown>>({ ...given.video, values: [id, given.accountId] })).rows[0];

app.get('/one/:id', async (c) => c.json(await select(c.req.param('id'))));
app.get('/two/:id', async (c) => {
  const key = (c.req.header('authorization') ?? '').slice('Bearer '.length);
  await pool.query({ ...given.caller, values: [createHash('sha256').update(key).digest()] });
  return c.json(await select(c.req.param('id')));
});

serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => process.stdout.write(`${port}\n`));
