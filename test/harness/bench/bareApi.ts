import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import pg from 'pg';

/**
 * The baseline of `npm run bench:api`: hono and pg with the API's statement of a video and its pool size, without authentication,
 * validation or mapping. It runs in its own process and prints its port once it listens.
 */

interface Given {
  readonly databaseUrl: string;
  readonly poolSize: number;
  readonly accountId: string;
  readonly video: { name: string; text: string };
}

const given = JSON.parse(process.argv[2] ?? '') as Given;
const pool = new pg.Pool({ connectionString: given.databaseUrl, max: given.poolSize });
// The server ends with connections still open.
pool.on('error', () => undefined);
const app = new Hono();

app.get('/:id', async (c) => {
  const values = [c.req.param('id'), given.accountId];
  const [video] = (await pool.query<Record<string, unknown>>({ ...given.video, values })).rows;
  return video === undefined ? c.notFound() : c.json(video);
});

serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => process.stdout.write(`${port}\n`));
