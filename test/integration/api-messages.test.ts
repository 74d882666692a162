import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { kindOfRequest } from '../../api/http/requestKind.ts';
import { post, send } from '../harness/support/fakedApi.ts';
import { admin, away, CHANGING, type Fakes, key, PAYING, READING } from '../harness/support/refusedRequests.ts';

/** What people read when a request is refused: sentences that say what happened, what became of the credits, and what to do. */

/** Begins with a capital or the name of a field, ends with a full stop, and no fragment stands between. */
const SENTENCES = /^([A-Z]|[a-z_0-9.]+ (is|must|has) ).*[.]$/s;
const FRAGMENTS = /\w: (is|must|has) |undefined|null|NaN|>=|<=|Invalid |\.\.|\. [a-z]|  /;

const messageOf = async (path: string, init: RequestInit, fakes?: Fakes) => {
  const { status, body } = await send(path, init, fakes);
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).not.toBe(500);
  const { message } = (body as { error: { message: string } }).error;
  expect(message).toMatch(SENTENCES);
  expect(message).not.toMatch(FRAGMENTS);
  return message;
};

describe('messages are sentences', () => {
  it.each(PAYING)(
    'of a request that could have held credits, with %s: nothing was held',
    async (_, said, path, init, fakes) => {
      const message = await messageOf(path, init, fakes);
      expect(message).toContain(said);
      expect(message.match(/Nothing (more )?was held\./g)).toHaveLength(1);
      expect(message).not.toContain('was changed');
    },
  );

  it.each(CHANGING)(
    'of a request that changes something else, with %s: nothing was changed',
    async (_, said, path, init, fakes) => {
      const message = await messageOf(path, init, fakes);
      expect(message).toContain(said);
      expect(message.match(/Nothing (more )?was changed\./g)).toHaveLength(1);
      expect(message).not.toContain('was held');
    },
  );

  it.each(READING)(
    'of a request that only reads, with %s: no word of what was held or changed',
    async (_, said, path, init, fakes) => {
      const message = await messageOf(path, init, fakes);
      expect(message).toContain(said);
      expect(message).not.toMatch(/Nothing (more )?was/);
    },
  );

  it('say that a change may have been made when the database did not answer to it', async () => {
    const change = post({ open: true, reason: 'x' }, { ...admin, ...key });
    const message = await messageOf('/admin/sales', change, { ledger: { setSales: away } });
    expect(message).toBe(
      'Holdfast is temporarily unavailable, and this request may have been carried out. Send it again shortly, with the same Idempotency-Key if it has one.',
    );
  });

  it('promise nothing when the outcome is unknown', async () => {
    const { status, body } = await send('/v1/videos', post({ prompt: 'x' }, key), { ledger: { findRepeat: away } });
    expect(status).toBe(500);
    expect((body as { error: { message: string } }).error.message).not.toContain('Nothing was');
  });

  it('get the sentence about credits and settings from one place, which knows the route', async () => {
    const sources = (await readdir('api', { recursive: true })).filter((name) => name.endsWith('.ts'));
    expect(sources.length).toBeGreaterThan(50);
    const spelling = [];
    for (const path of sources) {
      if (
        /(new ApiError|invalid)\([^;]*Nothing (more )?was (held|changed|done)/.test(
          await readFile(`api/${path}`, 'utf8'),
        )
      )
        spelling.push(path);
    }
    expect(spelling).toEqual([]);
  });

  it('are of a paying request exactly for the routes that have a dry run', async () => {
    const { body } = await send('/openapi.json', {});
    const { paths } = body as { paths: Record<string, Record<string, { parameters?: { name: string }[] }>> };
    for (const [path, item] of Object.entries(paths)) {
      for (const [method, { parameters = [] }] of Object.entries(item)) {
        const isPaying = parameters.some(({ name }) => name === 'dry_run');
        const kind = isPaying ? 'paying' : method === 'get' ? 'reading' : 'changing';
        expect([method, path, kindOfRequest(method.toUpperCase(), path)]).toEqual([method, path, kind]);
      }
    }
  });
});
