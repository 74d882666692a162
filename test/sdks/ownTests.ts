import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runTool } from '../../dev/processes.ts';
import { repository } from '../../dev/state.ts';
import { pythonWith } from '../harness/support/python.ts';
import { PYTHON_SDK } from './sdks.ts';
import type { StepResult } from './steps.ts';
import { folderOf, GO_FLAGS, tool } from './tools.ts';

/** Tests that an SDK's published package ships; Node's and Java's packages ship none. */
export interface OwnTests {
  readonly name: string;
  readonly title: string;
  /** Runs them against this URL. */
  readonly run: (apiUrl: string) => Promise<StepResult[]>;
}

const LIMIT_MS = 300_000;
/** Routes of OpenAI that Holdfast doesn't have. */
const ABSENT = ['character', 'edit', 'extend'];

export const OWN_TESTS: readonly OwnTests[] = [
  { name: 'python-own', title: `${PYTHON_SDK}, its own tests of videos`, run: runPython },
  { name: 'go-own', title: 'openai-go, its own tests of videos', run: runGo },
];

async function runPython(apiUrl: string): Promise<StepResult[]> {
  const python = await pythonWith(
    PYTHON_SDK,
    'pytest==9.2.0',
    'pytest-asyncio==1.5.0',
    'httpx-aiohttp==0.2.0',
    'rich==15.0.0',
  );
  const sources = await pythonSources(python);
  const args = [
    '-m',
    'pytest',
    '-v',
    '-o',
    'addopts=',
    '-p',
    'no:cacheprovider',
    '--tb=line',
    'tests/api_resources/test_videos.py',
  ];
  const absent = ABSENT.map((word) => `not ${word}`).join(' and ');
  const { output } = await runTool(python, [...args, '-k', absent], {
    limitMs: LIMIT_MS,
    cwd: sources,
    env: { ...process.env, TEST_API_BASE_URL: apiUrl },
  });
  return results(output, /::(test_\S+) (PASSED|FAILED|ERROR)/g);
}

/** The source distribution; the wheel has no tests. */
async function pythonSources(python: string): Promise<string> {
  const folder = folderOf('python-own');
  const name = PYTHON_SDK.replace('==', '-');
  if (!existsSync(join(folder, name))) {
    const args = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--no-binary', ':all:', '-d', folder, PYTHON_SDK];
    await tool(python, args);
    await tool('tar', ['xzf', join(folder, `${name}.tar.gz`), '-C', folder]);
  }
  return join(folder, name);
}

async function runGo(apiUrl: string): Promise<StepResult[]> {
  const skipped = ABSENT.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('|');
  const args = ['test', ...GO_FLAGS, '-vet=off', '-count=1', '-v', '-run', '^TestVideo', '-skip', skipped];
  const { output } = await runTool('go', [...args, 'github.com/openai/openai-go/v3'], {
    limitMs: LIMIT_MS,
    cwd: join(repository, 'test', 'sdks', 'go'),
    env: { ...process.env, TEST_API_BASE_URL: apiUrl },
  });
  return results(output, /^--- (?:PASS|FAIL): (\S+)/gm);
}

function results(output: string, lines: RegExp): StepResult[] {
  const found = [...output.matchAll(lines)].map(([line, name = '']) => ({
    group: 'own tests',
    name,
    failure: line.includes('PASS') ? undefined : 'see its own output above',
  }));
  if (found.length === 0 || found.some(({ failure }) => failure !== undefined)) process.stderr.write(`${output}\n`);
  return found.length > 0 ? found : [{ group: 'own tests', name: 'all', failure: 'none ran' }];
}
