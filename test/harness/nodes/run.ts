import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runTool } from '../../../dev/processes.ts';
import { openStateFolder, repository, sharedFolder } from '../../../dev/state.ts';

/**
 * `npm run test:nodes`: the unit and workflow tests, and one `npm start` that makes a video, on each supported Node but the
 * one that runs this: `npm run check` is what tests that. The last line is "N passed, N failed".
 */

const SUPPORTED = ['20.20.2', '22.23.3', '24.21.0'];
const LIMIT_MS = 600_000;
let passed = 0;
let failed = 0;

/** The folder with this Node's binary, which the registry has as a package for each platform. */
async function install(version: string): Promise<string> {
  const name = `node-${process.platform}-${process.arch}`;
  const folder = openStateFolder(join(openStateFolder(join(sharedFolder, 'nodes')), version));
  const bin = join(folder, 'node_modules', name, 'bin');
  if (existsSync(join(bin, 'node'))) return bin;
  const args = ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', `${name}@${version}`];
  const { code, output } = await runTool('npm', args, { limitMs: LIMIT_MS });
  if (code !== 0) throw new Error(`Node ${version} could not be installed: ${output.slice(-500)}`);
  return bin;
}

/** Runs this Node; its children find it first, as a shell of that version would. */
function runNode(bin: string, args: readonly string[]) {
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`, NO_COLOR: '1' };
  return runTool(join(bin, 'node'), [...args], { limitMs: LIMIT_MS, cwd: repository, env });
}

function report(title: string, output: string, ran: { passed: number; failed: number }): void {
  if (ran.failed > 0) console.log(output.slice(-10_000));
  console.log(`${title}: ${ran.passed} passed, ${ran.failed} failed`);
  passed += ran.passed;
  failed += ran.failed;
}

/** The counts of vitest's last summary; a run that broke off, or in which nothing ran, has failed. */
function counts({ code, output }: { code: number | null; output: string }): { passed: number; failed: number } {
  const summary = output.split('\n').findLast((line) => /^\s+Tests\s.*\(\d+\)$/.test(line)) ?? '';
  const count = (what: string) => Number(new RegExp(`(\\d+) ${what}`).exec(summary)?.[1] ?? 0);
  const isWhole = code === 0 && count('passed') > 0;
  return { passed: count('passed'), failed: isWhole ? 0 : Math.max(1, count('failed')) };
}

const others = SUPPORTED.filter((version) => !process.version.startsWith(`v${version.split('.')[0] ?? ''}.`));
for (const version of others) {
  const bin = await install(version);
  const started = await runNode(bin, ['--import', 'tsx', 'test/harness/nodes/main.ts']);
  const isRight = started.code === 0 && started.output.includes(`on Node v${version}`);
  report(`Node ${version} · npm start`, started.output, isRight ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 });
  const tests = await runNode(bin, ['dev/start.mjs', 'test', 'test/unit', 'test/workflow', '--project', 'product']);
  report(`Node ${version} · unit and workflow tests`, tests.output, counts(tests));
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
