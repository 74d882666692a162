import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/globalSetup.ts'],
    // A real server answers in its own time; a test that waits on a condition fails with what it waited for.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two cores: more files at once only make the real servers slow.
    maxWorkers: 2,
    pool: 'forks',
  },
});
