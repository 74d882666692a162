import { defineConfig } from 'vitest/config';

/** What measures how long others wait, or asks for 200 videos at once: it has the machine to itself, after all others. */
const ALONE = ['chaos', 'isolation', 'many', 'slow-copies', 'webhook-latency'].map(
  (name) => `test/system/${name}.test.ts`,
);

/** More than the machine has cores, for most tests wait for real servers. */
const WORKERS = 4;

export const shared = {
  globalSetup: ['test/harness/support/globalSetup.ts'],
  // A real server answers in its own time; a test that waits on a condition fails with what it waited for.
  testTimeout: 30_000,
  hookTimeout: 60_000,
  pool: 'forks' as const,
};

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'product',
          include: ['test/**/*.test.ts'],
          exclude: ['test/system/**', 'test/e2e/**'],
          maxWorkers: WORKERS,
          // The modules are loaded once a worker, not once a file: a quarter of the time was that.
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      // Whole processes that are killed, started again or loaded.
      {
        test: {
          ...shared,
          name: 'system',
          include: ['test/system/**/*.test.ts', 'test/e2e/**/*.test.ts'],
          exclude: ALONE,
          // Not beside the product's tests: each starts processes of its own, which then wait for each other.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      { test: { ...shared, name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 2 } } },
    ],
  },
});
