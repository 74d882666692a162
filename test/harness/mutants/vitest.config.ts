import { defineConfig } from 'vitest/config';
import { shared } from '../../../vitest.config.ts';

/** The ledger's tests against a database without one of its guards; see run.ts. */
export default defineConfig({
  test: {
    ...shared,
    include: ['test/integration/ledger-*.test.ts'],
    globalSetup: ['test/harness/mutants/setup.ts'],
    bail: 1,
  },
});
