import { cpSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../../dev/state.ts';
import { pythonWith } from '../harness/support/python.ts';
import type { StepResult } from './steps.ts';
import { folderOf, GO_FLAGS, tool } from './tools.ts';

export const PYTHON_SDK = 'openai==3.57.0';
const NODE_TYPES = '20.19.43';
const here = join(repository, 'test', 'sdks');

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  /** What compiling it has shown. */
  readonly compiled?: readonly StepResult[];
}

export interface Sdk {
  readonly name: string;
  readonly title: string;
  /** Installs the pinned SDK, once for each clone, and compiles the program. */
  readonly prepare: () => Promise<Program>;
  /** Steps that its program can't do, and why. */
  readonly exceptions: Readonly<Record<string, string>>;
}

export const SDKS: readonly Sdk[] = [
  node('node-6', '6.49.0'),
  node('node-7', '7.59.0'),
  {
    name: 'python',
    title: PYTHON_SDK,
    prepare: async () => ({ command: await pythonWith(PYTHON_SDK), args: [join(here, 'python', 'program.py')] }),
    exceptions: {},
  },
  {
    name: 'go',
    title: 'openai-go v3.99.0',
    prepare: async () => {
      const program = join(folderOf('go'), 'program');
      await tool('go', ['build', ...GO_FLAGS, '-o', program, '.'], { cwd: join(here, 'go') });
      return { command: program, args: [] };
    },
    exceptions: {},
  },
  {
    name: 'java',
    title: 'openai-java 4.101.0',
    prepare: prepareJava,
    exceptions: { 'other routes': 'this SDK has no method for a path of one’s own' },
  },
];

function node(name: string, version: string): Sdk {
  return { name, title: `openai ${version} (Node)`, prepare: () => prepareNode(name, version), exceptions: {} };
}

/** Compiles what a user writes strictly, with the SDK of this version. */
async function prepareNode(name: string, version: string): Promise<Program> {
  const folder = folderOf(name);
  const packages = { openai: version, '@types/node': NODE_TYPES };
  const manifest = { private: true, type: 'module', dependencies: packages };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  await tool('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline'], { cwd: folder });
  const modules = layOut(folder);
  const scripts = layOut(join(folder, 'commonjs'));
  writeFileSync(join(scripts, 'package.json'), '{}');
  const compiled = [
    await compile(modules, 'an ES module', 'nodenext', ['program.ts', 'types.ts']),
    await compile(modules, 'for a bundler', 'bundler', ['types.ts']),
    await compile(scripts, 'CommonJS', 'nodenext', ['types.ts']),
  ];
  return { command: process.execPath, args: [join(modules, 'out', 'test', 'sdks', 'node', 'program.js')], compiled };
}

/** The user's files, as they are here. */
function layOut(folder: string): string {
  for (const part of ['clients', join('test', 'sdks', 'node')]) {
    cpSync(join(repository, part), join(folder, part), { recursive: true });
  }
  return folder;
}

async function compile(
  folder: string,
  name: string,
  resolution: 'nodenext' | 'bundler',
  files: readonly string[],
): Promise<StepResult> {
  const tsc = join(repository, 'node_modules', 'typescript', 'bin', 'tsc');
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--target', 'es2022'];
  const module = resolution === 'bundler' ? 'esnext' : resolution;
  const resolving = ['--module', module, '--moduleResolution', resolution, '--types', 'node'];
  const paths = ['clients/holdfast.d.ts', ...files.map((file) => `test/sdks/node/${file}`)];
  const args = [tsc, '--ignoreConfig', ...strict, ...resolving, '--rootDir', '.', '--outDir', 'out', ...paths];
  const failure = await tool(process.execPath, args, { cwd: folder }).then(
    () => undefined,
    (error: unknown) => String(error).replaceAll('\n', ' '),
  );
  return { group: 'types', name, failure };
}

async function prepareJava(): Promise<Program> {
  const folder = folderOf('java');
  const libraries = join(folder, 'lib');
  if (!existsSync(join(libraries, 'openai-java-4.101.0.jar'))) {
    const pom = join(here, 'java', 'pom.xml');
    await tool('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${libraries}`]);
  }
  const classes = join(folder, 'classes');
  await tool('javac', ['-nowarn', '-cp', `${libraries}/*`, '-d', classes, join(here, 'java', 'Program.java')]);
  return { command: 'java', args: ['-cp', `${classes}:${libraries}/*`, 'Program'] };
}
