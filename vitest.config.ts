import { defineConfig } from 'vitest/config';

/** What measures how long others wait, or asks for 200 videos at once: it has the machine to itself, after all others. */
const ALONE = ['test/integration/isolation.test.ts', 'test/integration/many.test.ts'];

export const shared = {
  globalSetup: ['test/support/globalSetup.ts'],
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
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: ALONE,
          // One a core: the real servers that each file starts are what takes the time.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      { test: { ...shared, name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
});
