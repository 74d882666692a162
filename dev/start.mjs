// Runs first on a fresh clone. It needs nothing but Node: it installs the packages of the lock file, then starts the program.
//
//   node dev/start.mjs [option]      the embedded stack (npm start); the options are in `usage` below
//   node dev/start.mjs test [files]  these tests, or all except test/system (npm test)
//   node dev/start.mjs test:long     the tests that take minutes (npm run test:long)
//   node dev/start.mjs check         types, lint, dead code, format and the tests (npm run check)
//
// The stack runs in this very process, so a signal to it needs no relay. package.json says `exec node …`, or the shell
// between npm and this process would end at npm's signal and leave us behind.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const note = join(root, 'node_modules', '.holdfast-lock-hash');
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** The niceness of what runs beside the tests: enough to leave them the cores, and to end before they do. */
const YIELDING = 5;
const checks = ['types', 'lint', 'knip', 'format:check'];
const usage = `npm start [-- option]

  --fresh     deletes what earlier starts have kept, then starts
  --status    prints the addresses and keys of the running stack again, and the health of its parts
  --version   prints the version of Holdfast
  --help      prints this text
`;

function refuseOldNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  process.stderr.write(`Holdfast needs Node 20.19 or newer; this is ${process.versions.node}.\n`);
  process.exit(1);
}

/**
 * Runs a program to its end in a process group of its own. A signal to us is passed on to the whole group, once: a
 * terminal's Ctrl-C arrives twice, from the terminal and from npm. Processes of the group that remain at the end, such as
 * servers of an interrupted test, are killed.
 */
function run(command, args, stdio = 'inherit', niceness = 0) {
  const child = spawn(command, args, { cwd: root, detached: true, stdio });
  if (niceness > 0 && child.pid !== undefined) setPriority(child.pid, niceness);
  let output = '';
  let interrupted = false;
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk));
  const passOn = (signal) => {
    if (!interrupted) signalGroup(child.pid, signal);
    interrupted = true;
  };
  for (const signal of signals) process.on(signal, passOn);
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: 1, output: error.message }));
    child.once('exit', () => signalGroup(child.pid, 'SIGKILL'));
    child.once('close', (code) => {
      for (const signal of signals) process.off(signal, passOn);
      resolve({ code: interrupted ? 130 : (code ?? 1), output });
    });
  });
}

function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has ended already.
  }
}

function npm(args, stdio, niceness) {
  const itself = process.env.npm_execpath ?? '';
  const [command, first] = /\.c?js$/.test(itself) ? [process.execPath, [itself]] : ['npm', []];
  return run(command, [...first, ...args], stdio, niceness);
}

async function installWhatIsMissing() {
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (readNote() === wanted) return;
  process.stdout.write('Installing dependencies (npm ci), which takes up to a few minutes the first time…\n');
  const began = performance.now();
  const passed = () => `${Math.round((performance.now() - began) / 1000)} s`;
  const waiting = setInterval(() => process.stdout.write(`  still installing after ${passed()}…\n`), 5000);
  const { code, output } = await npm(['ci', '--include=dev', '--no-audit', '--no-fund'], ['ignore', 'pipe', 'pipe']);
  clearInterval(waiting);
  if (code !== 0) {
    process.stderr.write(`${output}\nnpm ci failed: see above.\n`);
    process.exit(code);
  }
  process.stdout.write(`  Dependencies installed in ${passed()}\n`);
  writeFileSync(note, wanted);
}

function readNote() {
  try {
    return readFileSync(note, 'utf8').trim();
  } catch {
    return undefined;
  }
}

async function test(args) {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  return (await run(process.execPath, [vitest, 'run', ...args])).code;
}

/** Each check is reported when it ends. All of them yield to the tests, which run beside them and mostly wait. */
async function check() {
  process.stdout.write(`${checks.join(', ')}, and the tests…\n`);
  const codes = await Promise.all([...checks.map(runCheck), test([])]);
  for (const [index, name] of checks.entries())
    if (codes[index] !== 0) process.stderr.write(`${name} failed: see above.\n`);
  return codes.find((code) => code !== 0) ?? 0;
}

async function runCheck(name) {
  const began = performance.now();
  const { code, output } = await npm(['run', '--silent', name], ['ignore', 'pipe', 'pipe'], YIELDING);
  const how = code === 0 ? 'passed' : 'failed';
  if (code !== 0) process.stderr.write(output);
  process.stdout.write(`${name} ${how} in ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
  return code;
}

async function stack(options) {
  const unknown = options.find((option) => !['--fresh', '--status', '--version', '--help'].includes(option));
  if (unknown !== undefined) {
    process.stderr.write(`Unknown option ${unknown}: "npm start -- --help" lists the options.\n`);
    process.exit(2);
  }
  if (options.includes('--help')) process.stdout.write(usage);
  else if (options.includes('--version')) process.stdout.write(`${version()}\n`);
  else if (options.includes('--status')) {
    if (readNote() === undefined) {
      process.stderr.write('Nothing is installed yet, so no stack runs: "npm start" installs and starts it.\n');
      process.exit(1);
    }
    await build({ traced: false });
    await load('status');
  } else {
    await installWhatIsMissing();
    await build({ traced: false });
    await load('stack');
  }
}

function version() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
}

/** Runs a program of `dist/` in this process. */
async function load(program) {
  const built = (file) => import(new URL(`../dist/${file}.js`, import.meta.url).href);
  const { readEnvFile } = await built('platform/envFile');
  readEnvFile();
  // Only now it is known whether the worker will trace.
  if (process.env.OTEL_EXPORTER_OTLP_ENDPOINT) await build();
  await built(`dev/${program}`);
}

refuseOldNode();
const [command, ...args] = process.argv.slice(2).filter((arg) => arg !== '--');
if (['test', 'test:long', 'check'].includes(command)) await installWhatIsMissing();
if (command === 'test') process.exit(await test(args.length === 0 ? ['--project', 'product'] : args));
else if (command === 'test:long') process.exit(await test(['--config', 'vitest.long.config.ts', ...args]));
else if (command === 'check') process.exit(await check());
else await stack(command === undefined ? [] : [command, ...args]);
