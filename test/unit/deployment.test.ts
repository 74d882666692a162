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

  it('passes on every setting of .env.example, but those that it sets itself and those of npm start', () => {
    const byCompose = [
      ...['DATABASE_URL', 'MIGRATE_DATABASE_URL', 'TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE'],
      ...['SIMULATOR_HOST', 'SIMULATOR_WEBHOOK_URL', 'SIMULATOR_WEBHOOK_SECRET'],
    ];
    const ownTemporal = ['API_KEY', 'TLS', 'TLS_CLIENT_CERT_PATH', 'TLS_CLIENT_KEY_PATH', 'TLS_SERVER_CA_CERT_PATH'];
    const moreOfIt = ['TLS_SERVER_NAME', 'CONFIG_FILE', 'PROFILE'];
    const excepted = [
      ...byCompose,
      ...[...ownTemporal, ...moreOfIt].map((name) => `TEMPORAL_${name}`),
      // Set by the image, or ports inside the network of the containers; PORT is the one that is published.
      ...['ARCHIVE_DIR', 'HOST', 'SIMULATOR_DIR', 'PORT', 'METRICS_PORT', 'WORKER_METRICS_PORT', 'SIMULATOR_PORT'],
      ...['HOLDFAST_DIR', 'POSTGRES_PORT', 'TEMPORAL_PORT', 'TEMPORAL_UI_PORT', 'NO_COLOR'],
      ...['TEMPORAL_CLI_PATH', 'TEMPORAL_TEST_SERVER_PATH'],
    ];
    const known = [...read('.env.example').matchAll(/^#?([A-Z_]+)=/gm)].map(([, name]) => name!);
    const notPassedOn = known.filter((name) => !compose.includes(` ${name}: \${${name}:`));
    expect(notPassedOn.toSorted()).toEqual(excepted.toSorted());
    expect(compose).toContain("ports: ['127.0.0.1:${PORT:-3000}:3000']");
    for (const name of byCompose) expect(compose).toContain(` ${name}: `);
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
  it('is of a Node on which the tests are run, which README names', () => {
    const [, list = ''] = /^const SUPPORTED = \[(.*)\];$/m.exec(read('test/harness/nodes/run.ts')) ?? [];
    const tested = list.match(/\d+\.\d+\.\d+/g) ?? [];
    const inImage = [...dockerfile.matchAll(/^FROM node:([\d.]+)-/gm)].map(([, version]) => version);
    expect(inImage).toHaveLength(2);
    for (const version of inImage) expect(tested).toContain(version);
    expect(read('README.md')).toContain(`${tested.slice(0, -1).join(', ')} and ${tested.at(-1)}`);
  });

  it('ends as a user that is not root, and starts node itself', () => {
    expect(dockerfile).toMatch(/\nUSER node\n/);
    expect(dockerfile).toMatch(/\nENTRYPOINT \["node", "--max-semi-space-size=4"\]\n/);
  });

  it('gets no secret and no state of this machine', () => {
    expect(read('.dockerignore').split('\n')).toEqual(
      expect.arrayContaining(['.holdfast', '.env', '.git', 'node_modules']),
    );
  });
});
