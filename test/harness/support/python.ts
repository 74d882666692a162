import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runTool } from '../../../dev/processes.ts';
import { openStateFolder, sharedFolder } from '../../../dev/state.ts';

const LIMIT_MS = 300_000;

/**
 * A virtual environment with these packages (`openai==1.2.3`) and their dependencies, created once for each clone; returns the
 * path of its Python. Raises with one clear sentence if there is no Python or venv, or a package can't be installed.
 */
export async function pythonWith(...requirements: string[]): Promise<string> {
  const folder = join(
    openStateFolder(join(openStateFolder(sharedFolder), 'python')),
    requirements.join('+').replaceAll('==', '-'),
  );
  const python = join(folder, 'bin', 'python');
  const whole = join(folder, 'whole');
  if (existsSync(whole)) return python;
  // An incomplete environment of an interrupted run.
  rmSync(folder, { recursive: true, force: true });
  await run(
    'python3',
    ['-m', 'venv', folder],
    'Python 3 with venv is needed (on Debian: apt-get install python3-venv)',
  );
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...requirements];
  await run(python, install, `${requirements.join(' ')} could not be installed from PyPI`);
  writeFileSync(whole, requirements.join(' '));
  return python;
}

async function run(command: string, args: string[], otherwise: string): Promise<void> {
  const { code, output } = await runTool(command, args, { limitMs: LIMIT_MS });
  if (code !== 0) throw new Error(`${otherwise}: ${output.trim().split('\n').at(-1) ?? ''}`);
}
