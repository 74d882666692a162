import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** What is deployed by containers is held to the code, as far as that goes without Docker. */

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const compose = read('docker-compose.yml');
const dockerfile = read('Dockerfile');

describe('docker-compose.yml', () => {
  it('gives our processes only variables that they read', () => {
    const ours = compose.slice(compose.indexOf('x-environment:'), compose.indexOf('services:'));
    const [, ...parts] = compose.split(/^ {2}(?=migrate:|worker:|api:|simulator:)/m);
    const given = [ours, ...parts].flatMap((part) =>
      [...part.matchAll(/^ {2,6}([A-Z_]+): /gm)].map(([, name]) => name!),
    );
    const known = [...read('.env.example').matchAll(/^#?([A-Z_]+)=/gm)].map(([, name]) => name!);
    expect(given.length).toBeGreaterThan(12);
    expect(given.filter((name) => !known.includes(name))).toEqual([]);
  });

  it('shows no port to other machines, and keeps no secret', () => {
    const ports = [...compose.matchAll(/ports: \['([^']*)'\]/g)].map(([, port]) => port!);
    expect(ports.length).toBe(2);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
    const secrets = [...compose.matchAll(/(?:PASSWORD|PWD|KEY|SECRET): (.*)$/gm)].map(([, value]) => value!);
    expect(secrets.filter((value) => !value.startsWith('${'))).toEqual([]);
  });

  it('pins every image', () => {
    const images = [...compose.matchAll(/image: (.*)$/gm), ...dockerfile.matchAll(/^FROM (\S+)/gm)];
    expect(images.map(([, image]) => image!).filter((image) => !/:\d+\.\d+/.test(image))).toEqual([]);
  });
});

describe('the Dockerfile', () => {
  it('ends as a user that is not root, and starts node itself', () => {
    expect(dockerfile).toMatch(/\nUSER node\n/);
    expect(dockerfile).toMatch(/\nENTRYPOINT \["node", "--import", "tsx"\]\n/);
  });

  it('gets no secret and no state of this machine', () => {
    expect(read('.dockerignore').split('\n')).toEqual(
      expect.arrayContaining(['.holdfast', '.env', '.git', 'node_modules']),
    );
  });
});
