import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository } from '../../../dev/state.ts';

/** The next version of Holdfast: this one with a changed workflow, an added column and a changed function. */
export interface Next {
  /** Its programs run here. */
  readonly folder: string;
  readonly remove: () => Promise<void>;
}

/** What its workflows have in their histories, and this version's have not. */
export const PLANTED_TIMER = 'planted by the next version';

const LEFT_OUT = new Set(['node_modules', '.git', '.holdfast', 'dist', 'test', 'docs', 'coverage']);

/** Copies the sources, changes them and builds them. Raises when a place to change is not there any more. */
export async function makeNext(): Promise<Next> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-next-'));
  await cp(repository, folder, {
    recursive: true,
    filter: (path) => !LEFT_OUT.has(path.slice(repository.length).replace(/^\//, '')),
  });
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'));
  // Open generations of this version could not go on with it.
  await change(
    folder,
    'workflows/submit.ts',
    /(  const leastTimeLeftMs = )/,
    `  await sleep(500, { summary: '${PLANTED_TIMER}' });\n$1`,
  );
  await writeFile(
    join(folder, 'migrations/tables/9999_planted.sql'),
    'ALTER TABLE generations ADD COLUMN planted text;\nALTER TABLE holds ADD COLUMN planted text;\n',
  );
  await change(folder, 'migrations/functions/settlement.sql', /(\nBEGIN\n)/, '$1  PERFORM 1;\n');
  const built = spawnSync(process.execPath, ['dev/build.mjs'], { cwd: folder, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`the next version can't be built:\n${built.stderr}`);
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

async function change(folder: string, file: string, what: RegExp, to: string): Promise<void> {
  const path = join(folder, file);
  const text = await readFile(path, 'utf8');
  const changed = text.replace(what, to);
  if (changed === text) throw new Error(`${file} has nothing like ${String(what)}`);
  await writeFile(path, changed);
}
