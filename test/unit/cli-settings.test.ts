import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSettings } from '../../cli/settings/settings.ts';
import type { World } from '../../cli/world.ts';

let home: string;
beforeEach(() => void (home = mkdtempSync(join(tmpdir(), 'holdfast-settings-'))));
afterEach(() => rmSync(home, { recursive: true, force: true }));

function write(path: string, content: unknown, mode = 0o600): void {
  const full = join(home, path);
  mkdirSync(join(full, '..'), { recursive: true });
  writeFileSync(full, JSON.stringify(content));
  chmodSync(full, mode);
}

const read = (env: World['env'] = {}, flags: { url?: string; profile?: string } = {}, folder = home) =>
  readSettings({ env, home, folder } as World, flags);

const LOCAL = { api: 'http://127.0.0.1:3000', apiKey: 'hf_local', adminKey: 'admin_local' };
const profiles = (content: object, mode?: number) => write('.config/holdfast/profiles.json', content, mode);

describe('where the API is, and with which key', () => {
  it('is said by --url, then --profile, the environment, endpoints.json of the folder or one above, the profile default', () => {
    write('clone/.holdfast/endpoints.json', LOCAL);
    profiles({
      default: { url: 'https://d.test', api_key: 'hf_d' },
      staging: { url: 'https://s.test/v1/', api_key: 'hf_s' },
    });
    const inClone = join(home, 'clone');
    mkdirSync(join(inClone, 'deep', 'er'), { recursive: true });
    const env = { HOLDFAST_URL: 'https://e.test', HOLDFAST_API_KEY: 'hf_e' };
    expect(read(env, { profile: 'staging', url: 'https://flag.test' }, inClone).url).toBe('https://flag.test');
    expect(read(env, { profile: 'staging' }, inClone)).toMatchObject({ url: 'https://s.test', apiKey: 'hf_s' });
    expect(read(env, {}, inClone)).toMatchObject({ url: 'https://e.test', apiKey: 'hf_e' });
    expect(read({}, {}, join(inClone, 'deep', 'er'))).toEqual({
      url: LOCAL.api,
      apiKey: 'hf_local',
      adminKey: 'admin_local',
    });
    expect(read({ HOLDFAST_DIR: 'clone/.holdfast' })).toMatchObject({ apiKey: 'hf_local' });
    expect(read({})).toMatchObject({ url: 'https://d.test', apiKey: 'hf_d' });
  });

  it('a key never goes to an API that another source names', () => {
    write('.holdfast/endpoints.json', LOCAL);
    profiles({ default: { url: 'https://d.test', api_key: 'hf_d', admin_key: 'admin_d' } });
    expect(read({}, { url: 'https://elsewhere.test' })).toMatchObject({ apiKey: undefined, adminKey: undefined });
    expect(
      read({ HOLDFAST_URL: 'https://e.test', HOLDFAST_API_KEY: 'hf_e' }, { url: 'https://x.test' }).apiKey,
    ).toBeUndefined();
    expect(read({ HOLDFAST_URL: 'http://127.0.0.1:4000' }).apiKey).toBeUndefined();
    // A key of the environment that comes without a URL is meant for the one that is chosen.
    expect(read({ HOLDFAST_API_KEY: 'hf_e' })).toEqual({ url: LOCAL.api, apiKey: 'hf_e', adminKey: 'admin_local' });
  });

  it('a file with keys that others can read is refused, with what to do', () => {
    profiles({ default: { url: 'https://d.test', api_key: 'hf_d' } }, 0o644);
    expect(() => read()).toThrow(/profiles\.json has keys, and others can read it: chmod 600 /);
    profiles({ default: { url: 'https://d.test' } }, 0o644);
    expect(read({ HOLDFAST_API_KEY: 'hf_e' })).toMatchObject({ url: 'https://d.test', apiKey: 'hf_e' });
    write('.holdfast/endpoints.json', LOCAL, 0o640);
    expect(() => read()).toThrow(/endpoints\.json has keys, and others can read it/);
  });

  it('a folder that names an API elsewhere is refused: it may be anybody’s', () => {
    write('.holdfast/endpoints.json', { ...LOCAL, api: 'https://evil.test' });
    expect(() => read({ HOLDFAST_API_KEY: 'hf_e' })).toThrow(/endpoints\.json names no API on this machine/);
  });

  it('what can’t be used is one line that says why', () => {
    expect(() => read()).toThrow(/^No API is known: run npm start/);
    expect(() => read({}, { profile: 'absent' })).toThrow(/^There is no profile absent in /);
    expect(() => read({ HOLDFAST_URL: 'ftp://x' })).toThrow(/^The URL of the environment is not one of http or https/);
    write('.holdfast/endpoints.json', 'text');
    expect(() => read()).toThrow(/endpoints\.json is not a JSON object/);
  });
});
