import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runTool } from '../../../dev/processes.ts';
import { openStateFolder, sharedFolder } from '../../../dev/state.ts';

const LIMIT_MS = 300_000;

/**
 * A Python of its own with this package (`openai==1.2.3`) and what that needs, made once a clone; answers with its
 * program's path. Raises with one clear sentence where there is no Python, no venv, or the package can't be had.
 */
export async function pythonWith(requirement: string): Promise<string> {
  const folder = join(openStateFolder(join(openStateFolder(sharedFolder), 'python')), requirement.replace('==', '-'));
  const python = join(folder, 'bin', 'python');
  const whole = join(folder, 'whole');
  if (existsSync(whole)) return python;
  // Half of one, of a run that was interrupted.
  rmSync(folder, { recursive: true, force: true });
  await run(
    'python3',
    ['-m', 'venv', folder],
    'Python 3 with venv is needed (on Debian: apt-get install python3-venv)',
  );
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', requirement];
  await run(python, install, `${requirement} could not be installed from PyPI`);
  writeFileSync(whole, requirement);
  return python;
}

async function run(command: string, args: string[], otherwise: string): Promise<void> {
  const { code, output } = await runTool(command, args, { limitMs: LIMIT_MS });
  if (code !== 0) throw new Error(`${otherwise}: ${output.trim().split('\n').at(-1) ?? ''}`);
}
