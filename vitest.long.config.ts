import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

/** The tests that take minutes: one file after the other, each with the machine to itself. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: [] } },
  defineConfig({ test: { include: ['test/long/**/*.long.ts'], maxWorkers: 1, testTimeout: 1_800_000 } }),
);
