// node --import tsx --import ./test/harness/support/prebuiltBundle.mjs worker/main.ts
//
// Lets a worker process take the workflow bundle of this test run (WORKFLOW_BUNDLE, a path) in place of bundling its own.
// Bundling takes more than a second of CPU, and the crash tests start many workers.
import { register } from 'node:module';

const bundle = `
  import { readFile } from 'node:fs/promises';
  export const buildWorkflowBundle = async () => ({ code: await readFile(process.env.WORKFLOW_BUNDLE, 'utf8') });`;

const hooks = `
  export async function load(url, context, next) {
    if (!new URL(url).pathname.endsWith('/worker/bundle.ts')) return next(url, context);
    return { format: 'module', shortCircuit: true, source: ${JSON.stringify(bundle)} };
  }`;

register(`data:text/javascript,${encodeURIComponent(hooks)}`);
