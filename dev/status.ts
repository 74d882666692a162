import { join } from 'node:path';
import { makeConsoleLink } from './demo.ts';
import { examineParts, partLines } from './health.ts';
import { runningStack } from './lock.ts';
import { complain, say } from './output.ts';
import { bypassProxies, isProxied, stateFolderOf } from './settings.ts';
import { readJson } from './state.ts';
import { type Endpoints, summary } from './summary.ts';

/**
 * Behind `npm start -- --status`: prints where the running stack has everything, and how its parts are. Exits with 1 when there
 * is none, and when a part of it does not answer.
 */

const folder = stateFolderOf(process.env);
const pid = runningStack(folder);
const endpoints = readJson(join(folder, 'endpoints.json')) as Endpoints | undefined;

if (pid === undefined) {
  complain(`No stack runs on ${folder}: "npm start" starts one; HOLDFAST_DIR names another folder.`);
  process.exitCode = 1;
} else if (endpoints === undefined) {
  complain(`The stack on ${folder} (pid ${pid}) is starting or stopping: ask again in a few seconds.`);
  process.exitCode = 1;
} else {
  const proxied = isProxied(process.env);
  bypassProxies(process.env);
  const [parts, consoleLink] = await Promise.all([
    examineParts(endpoints),
    makeConsoleLink(endpoints.api, endpoints.apiKey),
  ]);
  if (!parts.every(({ ok }) => ok)) process.exitCode = 1;
  say(
    summary(endpoints, {
      proxied,
      consoleLink,
      parts: partLines(parts),
      stop: `Ctrl-C in its terminal stops it, and so does "kill ${pid}".`,
    }),
  );
}
