import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startOwnStack } from '../support/ownStack.ts';
import { pythonWith } from '../support/python.ts';

/**
 * `npm run fuzz:api`: schemathesis makes requests from the OpenAPI document, right ones and wrong ones, and holds every
 * answer to it: no 500, no status, content type or body that it does not name, nothing accepted that it forbids. More of
 * its options may follow: `npm run fuzz:api -- --seed 1 --include-path /v1/videos`.
 */

const SCHEMATHESIS = 'schemathesis==4.32.5';
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
];
const GRANTED = 1_000_000_000_000;

// Each key goes where the document says that it belongs. An account that is frozen, or a key that is revoked, would end
// the run; the tool makes up ids, and never finds ours.
const CONFIGURATION = `[checks.negative_data_rejection]
# 431: an address of over 16 kB is refused before it is read.
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 415, 422, 428, 429, 431, "5xx"]

[auth.openapi.bearerAuth]
bearer = "\${API_KEY}"

[auth.openapi.adminAuth]
bearer = "\${ADMIN_KEY}"

# Asking whether all is well, or for a run of the reconciler, takes long by itself.
[[operations]]
include-operation-id = ["getDoctor", "reconcile"]
generation.max-examples = 3

# Sales that the tool has closed are a 503 for every request after that.
[[operations]]
include-operation-id = "setSales"
enabled = false

[[operations]]
include-operation-id = "streamVideoEvents"
max-stream-events = 1
`;

const python = await pythonWith(SCHEMATHESIS);
const folder = await mkdtemp(join(tmpdir(), 'holdfast-fuzz-'));
const stack = await startOwnStack({ SIMULATOR_VIDEO_SECONDS: '0.5', LOG_LEVEL: 'error' });
try {
  const { endpoints } = stack;
  const { key } = await stack.openAccount(GRANTED);
  const configuration = join(folder, 'schemathesis.toml');
  await writeFile(configuration, CONFIGURATION);
  const args = ['--config-file', configuration, 'run', endpoints.openapi, '--checks', CHECKS.join(',')];
  const limits = ['--max-examples', '30', '--request-timeout', '30', '--continue-on-failure', '--warnings', 'off'];
  const env = { ...process.env, API_KEY: key, ADMIN_KEY: endpoints.adminKey };
  const child = spawn(join(dirname(python), 'schemathesis'), [...args, ...limits, ...process.argv.slice(2)], {
    cwd: folder,
    env,
    stdio: 'inherit',
  });
  process.exitCode = await new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
} finally {
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
}
