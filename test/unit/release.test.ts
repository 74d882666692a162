import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const versionIn = (name: string) => (JSON.parse(read(name)) as { version: string }).version;

test('the newest release in the changelog is the version of the package', () => {
  const [newest] = [...read('CHANGELOG.md').matchAll(/^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}$/gm)];
  expect(newest?.[1]).toBe(versionIn('package.json'));
  expect(versionIn('package-lock.json')).toBe(versionIn('package.json'));
  expect(versionIn('cli/package.json')).toBe(versionIn('package.json'));
});
