import { join } from 'node:path';
import { wrongUse } from '../failure.ts';
import type { World } from '../world.ts';
import { readFields, requirePrivate } from './privateFile.ts';
import { isFields, type Source, textOf } from './source.ts';

/** Read without being named, after everything else. */
export const DEFAULT_PROFILE = 'default';

/**
 * A profile of `profiles.json`: `{"staging": {"url": "https://…", "api_key": "…", "admin_key": "…"}}`. Undefined without
 * the file or the profile.
 */
export function readProfile({ env, home }: Pick<World, 'env' | 'home'>, name: string): Source | undefined {
  const path = profilesPath(env, home);
  const file = readFields(path);
  const profile = file?.fields[name];
  if (file === undefined || profile === undefined) return undefined;
  if (!isFields(profile)) throw wrongUse(`The profile ${name} of ${path} is not a JSON object.`);
  const [apiKey, adminKey] = [textOf(profile, 'api_key'), textOf(profile, 'admin_key')];
  if (apiKey !== undefined || adminKey !== undefined) requirePrivate(path, file.isPrivate);
  return { name: `the profile ${name} of ${path}`, url: textOf(profile, 'url'), apiKey, adminKey };
}

export function requireProfile(world: Pick<World, 'env' | 'home'>, name: string): Source {
  const profile = readProfile(world, name);
  if (profile === undefined) throw wrongUse(`There is no profile ${name} in ${profilesPath(world.env, world.home)}.`);
  return profile;
}

function profilesPath(env: World['env'], home: string): string {
  return join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'holdfast', 'profiles.json');
}
