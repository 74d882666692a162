import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/globalSetup.ts'],
    // A real server answers in its own time; a test that waits on a condition fails with what it waited for.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // On two cores: much of a test's time is waiting for a timer or a heartbeat, but more only make the real servers slow.
    maxWorkers: 3,
    pool: 'forks',
  },
});
