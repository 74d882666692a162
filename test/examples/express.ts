import { cp, readFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { freePort, untilItWorks } from '../../dev/ports.ts';
import { runTool } from '../../dev/processes.ts';
import { repository } from '../../dev/state.ts';
import { stopWithThisProcess } from '../harness/support/stopWithThisProcess.ts';
import type { Start } from './checks.ts';

const INSTALL_LIMIT_MS = 170_000;
const START_LIMIT_MS = 20_000;

/** Installs the example in `folder` and runs it as its README's reader would, by `npm start`'s own command. */
export const startExpress: Start = async (folder, settings) => {
  await cp(join(repository, 'examples', 'express'), folder, { recursive: true });
  const install = ['install', '--no-audit', '--no-fund', '--no-package-lock'];
  const { code, output } = await runTool('npm', install, { cwd: folder, env: process.env, limitMs: INSTALL_LIMIT_MS });
  if (code !== 0) throw new Error(`npm install: ${output.slice(-2000)}`);
  const { scripts } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    scripts: { start: string };
  };
  const [, ...args] = scripts.start.split(' ');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = { ...process.env, ...(await settings(url, '/holdfast')), PORT: String(port) };
  const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'ignore', 'inherit'] });
  const endWatch = stopWithThisProcess(child);
  child.once('close', endWatch);
  await untilItWorks(() => fetch(url), START_LIMIT_MS);
  return { url, routes: { videos: '/videos', webhooks: '/holdfast' } };
};
