import { defineConfig } from 'vitest/config';
import { shared } from './vitest.config.ts';

/** The tests that take minutes: one file after the other, each with the machine to itself. */
export default defineConfig({
  test: { ...shared, include: ['test/harness/long/**/*.long.ts'], maxWorkers: 1, testTimeout: 1_800_000 },
});
