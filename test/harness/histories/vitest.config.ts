import { defineConfig } from 'vitest/config';
import { shared } from '../../../vitest.config.ts';

/** `npm run histories:record`: records the histories that test/replay replays. */
export default defineConfig({
  test: { ...shared, include: ['test/harness/histories/record.ts'], testTimeout: 110_000 },
});
