import { defineConfig, mergeConfig } from 'vitest/config';
import base from '../../vitest.config.ts';

/** The ledger's tests against a database without one of its guards; see run.ts. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: [], globalSetup: [] } },
  defineConfig({
    test: { include: ['test/integration/ledger-*.test.ts'], globalSetup: ['test/mutants/setup.ts'], bail: 1 },
  }),
);
