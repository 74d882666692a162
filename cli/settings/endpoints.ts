import { dirname, join, resolve } from 'node:path';
import { wrongUse } from '../failure.ts';
import type { World } from '../world.ts';
import { readFields, requirePrivate } from './privateFile.ts';
import { type Source, textOf } from './source.ts';

const FILE = 'endpoints.json';

/**
 * What `npm start` wrote into `HOLDFAST_DIR`, or into `.holdfast` of this folder or of one above it. Only an API on this machine
 * is taken from there: the file of a folder that somebody else made must not send keys or prompts elsewhere.
 */
export function readEndpoints({ env, folder }: Pick<World, 'env' | 'folder'>): Source | undefined {
  const named = env['HOLDFAST_DIR'];
  const folders = named ? [resolve(folder, named)] : upwards(folder).map((each) => join(each, '.holdfast'));
  for (const each of folders) {
    const path = join(each, FILE);
    const file = readFields(path);
    if (file === undefined) continue;
    const url = textOf(file.fields, 'api');
    if (url === undefined || !isOnThisMachine(url)) throw wrongUse(`${path} names no API on this machine.`);
    requirePrivate(path, file.isPrivate);
    return { name: path, url, apiKey: textOf(file.fields, 'apiKey'), adminKey: textOf(file.fields, 'adminKey') };
  }
  return undefined;
}

function upwards(folder: string): string[] {
  const above = dirname(folder);
  return above === folder ? [folder] : [folder, ...upwards(above)];
}

function isOnThisMachine(url: string): boolean {
  return URL.canParse(url) && ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
}
