import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openStateFolder, sharedFolder } from '../../dev/state.ts';
import { tool } from '../sdks/tools.ts';

export interface Requirements {
  /** Installed with their dependencies. */
  readonly whole: readonly string[];
  /** Installed alone: their dependencies are missing, or are replaced by stubs. */
  readonly alone: readonly string[];
}

/**
 * A virtual environment with these packages, made once and kept between runs below the state folder; returns its Python. It is made
 * again when the requirements change. Raises with pip's last lines if a package can't be had.
 */
export async function pythonEnvironment(name: string, { whole, alone }: Requirements): Promise<string> {
  const folder = join(openStateFolder(join(openStateFolder(sharedFolder), 'providers')), name);
  const python = join(folder, 'bin', 'python');
  const note = join(folder, 'installed');
  const wanted = JSON.stringify({ whole, alone });
  if (existsSync(note) && readFileSync(note, 'utf8') === wanted) return python;
  rmSync(folder, { recursive: true, force: true });
  await tool('python3', ['-m', 'venv', folder]);
  const install = ['-n', '10', python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  // uv takes a tenth of pip's time.
  await tool('nice', [...install, 'uv']);
  const uv = ['-n', '10', python, '-m', 'uv', 'pip', 'install', '--quiet', '--python', python];
  if (alone.length > 0) await tool('nice', [...uv, '--no-deps', ...alone]);
  if (whole.length > 0) await tool('nice', [...uv, ...whole]);
  writeFileSync(note, wanted);
  return python;
}
