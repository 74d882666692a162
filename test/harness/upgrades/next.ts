import { cp, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { GENERATE_VIDEO, WORKER_DEPLOYMENT } from '../../../contracts/temporal.ts';
import { runTool } from '../../../dev/processes.ts';
import { repository } from '../../../dev/state.ts';
import { readBuild } from '../../../platform/buildId.ts';

const LEFT_OUT = new Set(['node_modules', '.git', '.holdfast', 'dist', 'test', 'docs', 'coverage']);
/** Longer than `deploy:current` waits for a worker. */
const LIMIT_MS = 120_000;

/**
 * Makes the next version of Holdfast in a new folder below `parent`: this one with a changed workflow, an added column and a
 * changed function. Its programs run in the folder that is returned. Raises when a place to change is not there any more.
 */
export async function makeNext(parent: string): Promise<string> {
  const folder = await mkdtemp(join(parent, 'holdfast-next-'));
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
    `  await sleep(500, { summary: 'planted by the next version' });\n$1`,
  );
  await writeFile(
    join(folder, 'migrations/tables/9999_planted.sql'),
    'ALTER TABLE generations ADD COLUMN planted text;\nALTER TABLE holds ADD COLUMN planted text;\n',
  );
  await change(folder, 'migrations/functions/settlement.sql', /(\nBEGIN\n)/, '$1  PERFORM 1;\n');
  await runProgram(folder, 'dev/build.mjs', process.env);
  return folder;
}

async function change(folder: string, file: string, what: RegExp, to: string): Promise<void> {
  const path = join(folder, file);
  const text = await readFile(path, 'utf8');
  const changed = text.replace(what, to);
  if (changed === text) throw new Error(`${file} has nothing like ${String(what)}`);
  await writeFile(path, changed);
}

/** Runs a program of the version in this folder to its end; kills it after `limitMs`. Raises what it said if it failed. */
export async function runProgram(
  folder: string,
  file: string,
  env: NodeJS.ProcessEnv,
  limitMs = LIMIT_MS,
): Promise<void> {
  const { code, output } = await runTool(process.execPath, [file], { limitMs, env, cwd: folder });
  if (code !== 0) throw new Error(`${file} ended with ${code}:\n${output}`);
}

/** The generations that the workers of the version in this folder run, or have run. */
export async function listRunBy(temporal: Client, folder: string): Promise<ReadonlySet<string>> {
  const { id } = readBuild(join(folder, 'dist', 'workflow-bundle.js'));
  const query = `TemporalWorkerDeploymentVersion = '${WORKER_DEPLOYMENT}:${id}' AND WorkflowType = '${GENERATE_VIDEO}'`;
  const ids = new Set<string>();
  for await (const { workflowId } of temporal.workflow.list({ query })) ids.add(workflowId);
  return ids;
}
