import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MediaType, OpenApi, Schema } from '../harness/support/openapi.ts';
import type { TestStack } from '../harness/support/stack.ts';
import { startStack } from '../harness/support/stack.ts';

/** The API describes itself, truly and without any other host. */

let stack: TestStack;
let document: OpenApi;
beforeAll(async () => {
  stack = await startStack();
  document = (await (await fetch(`${stack.url}/openapi.json`)).json()) as OpenApi;
});
afterAll(async () => {
  await stack.stop();
});

const operations = () => Object.values(document.paths).flatMap((item) => Object.values(item));

/** Every body of every operation: `createVideo 200 application/json`, with its media type. */
function bodies(): [name: string, body: MediaType, type: string][] {
  return operations().flatMap(({ operationId, requestBody, responses }) =>
    [['request', requestBody] as const, ...Object.entries(responses)].flatMap(([where, body]) =>
      Object.entries(body?.content ?? {}).map(([type, media]): [string, MediaType, string] => [
        `${operationId} ${where} ${type}`,
        media,
        type,
      ]),
    ),
  );
}

function resolved(schema: Schema): Schema {
  return schema.$ref === undefined ? schema : (document.components.schemas[schema.$ref.split('/').at(-1)!] ?? {});
}

function examplesOf({ schema, example }: MediaType): unknown[] {
  if (example !== undefined) return [example];
  return (schema.oneOf ?? [schema]).flatMap((each) => resolved(each).example ?? []);
}

describe('/openapi.json', () => {
  it('is OpenAPI 3.1, and each operation has an id of its own', () => {
    expect(document.openapi).toBe('3.1.0');
    const ids = operations().map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('shows an example of every body', () => {
    const without = bodies().filter(
      ([, body, type]) => !/^(video|image)\//.test(type) && examplesOf(body).length === 0,
    );
    expect(without.map(([name]) => name)).toEqual([]);
  });

  it('its examples are what its schemas say', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema(document, 'document');
    const wrong = bodies().flatMap(([name, body]) => {
      const schema = JSON.parse(JSON.stringify(body.schema).replaceAll('"#/', '"document#/')) as object;
      const check = ajv.compile(schema);
      return examplesOf(body).flatMap((example) =>
        check(example) ? [] : [`${name}: ${ajv.errorsText(check.errors)}`],
      );
    });
    expect(wrong).toEqual([]);
  });
});

describe('/docs', () => {
  it('is served whole by this host, and asks no other', async () => {
    const page = await fetch(`${stack.url}/docs`);
    expect(page.headers.get('content-type')).toBe('text/html; charset=UTF-8');
    expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'.*connect-src 'self'/);
    const html = await page.text();
    expect(html).not.toMatch(/https?:|\/\/\w/);
    const assets = [...html.matchAll(/(?:href|src)="(\/docs[^"]*)"/g)].map(([, path]) => path!);
    const types = await Promise.all(
      assets.map(async (path) => {
        const asset = await fetch(`${stack.url}${path}`);
        expect((await asset.arrayBuffer()).byteLength).toBeGreaterThan(50);
        return [path, asset.status, asset.headers.get('content-type'), asset.headers.get('x-content-type-options')];
      }),
    );
    expect(types).toEqual([
      ['/docs/favicon-32x32.png', 200, 'image/png', 'nosniff'],
      ['/docs/swagger-ui.css', 200, 'text/css; charset=utf-8', 'nosniff'],
      ['/docs/page.css', 200, 'text/css; charset=utf-8', 'nosniff'],
      ['/docs/swagger-ui-bundle.js', 200, 'text/javascript; charset=utf-8', 'nosniff'],
      ['/docs/page.js', 200, 'text/javascript; charset=utf-8', 'nosniff'],
    ]);
    expect(await (await fetch(`${stack.url}/docs/page.js`)).text()).not.toMatch(/https?:/);
  });

  it('is not sent again to a browser that has it', async () => {
    const first = await fetch(`${stack.url}/docs/swagger-ui.css`);
    const again = await fetch(`${stack.url}/docs/swagger-ui.css`, {
      headers: { 'if-none-match': first.headers.get('etag')! },
    });
    expect(again.status).toBe(304);
  });

  it.each(['package.json', '..%2fpackage.json', 'constructor', 'index.html'])('serves no %s', async (name) => {
    expect((await fetch(`${stack.url}/docs/${name}`)).status).toBe(404);
  });
});

describe('/llms.txt', () => {
  it('tells a language model the base URL, the key and every call', async () => {
    const answer = await fetch(`${stack.url}/llms.txt`);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
    const text = await answer.text();
    expect(text).toContain(`${stack.url}/v1`);
    expect(text).toContain('Authorization: Bearer');
    for (const [path, item] of Object.entries(document.paths)) {
      for (const method of Object.keys(item)) expect(text).toContain(`- ${method.toUpperCase()} ${path}: `);
    }
  });
});
