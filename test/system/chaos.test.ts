import { expect, it } from 'vitest';
import { runChaos } from '../harness/chaos/chaos.ts';
import { readOptions } from '../harness/chaos/options.ts';

/** The short form of `npm run chaos`: every kind of part is killed, and every rule must hold afterwards. */

it('a short chaos leaves every book right and nothing open', { timeout: 200_000 }, async () => {
  const seed = process.env['CHAOS_SEED'] ?? String(Date.now() % 1_000_000);
  const lines: string[] = [];
  const say = (line: string) => void lines.push(line);
  try {
    const { violations, verdict } = await runChaos(
      readOptions(['--short', '--seed', seed]),
      say,
      new AbortController().signal,
    );
    console.info(verdict);
    expect(violations, lines.join('\n')).toEqual([]);
  } catch (error) {
    console.info(`again with: npm run chaos -- --short --seed ${seed}\n${lines.join('\n')}`);
    throw error;
  }
});
