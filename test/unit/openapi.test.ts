import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import type { OpenApi, Operation, Schema } from '../harness/support/openapi.ts';
import { readDocument } from '../harness/support/openapi.ts';

/** What generators of clients, linters and readers need of every operation: CONTRIBUTING.md has it under "a route". */

let document: OpenApi;
beforeAll(async () => {
  document = await readDocument();
});

interface Route extends Operation {
  readonly path: string;
  readonly method: string;
}

const routes = (): Route[] =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, ...operation })),
  );
const idsOf = (some: readonly Route[]) => some.map(({ operationId }) => operationId);
const isPaying = ({ method, parameters = [] }: Route) =>
  method === 'post' && parameters.some(({ name }) => name === 'dry_run');
const capitalised = (id: string) => id.charAt(0).toUpperCase() + id.slice(1);

/** Every schema of the document, with the place where it stands. */
function schemas(): { place: string; schema: Schema; isNamed: boolean }[] {
  const named = Object.entries(document.components.schemas).flatMap(([name, schema]) => within(name, schema, true));
  const bodies = routes().flatMap(({ operationId, requestBody, responses }) =>
    [requestBody, ...Object.values(responses)].flatMap((body) =>
      Object.values(body?.content ?? {}).flatMap(({ schema }) => within(operationId, schema, false)),
    ),
  );
  return [...named, ...bodies];
}

function within(place: string, schema: Schema, isNamed: boolean): ReturnType<typeof schemas> {
  const { properties = {}, items, anyOf = [], oneOf = [], allOf = [], additionalProperties } = schema;
  const below = [
    ...Object.entries(properties).flatMap(([name, each]) => within(`${place}.${name}`, each, false)),
    ...[...anyOf, ...oneOf].flatMap((each) => within(place, each, false)),
    // A schema that extends another one: both are the named schema.
    ...allOf.flatMap((each) => within(place, each, isNamed)),
    ...(items === undefined ? [] : within(`${place}[]`, items, false)),
    ...(typeof additionalProperties === 'object' ? within(`${place}{}`, additionalProperties, false) : []),
  ];
  return [{ place, schema, isNamed }, ...below];
}

const placesOf = (isWrong: (found: ReturnType<typeof schemas>[number]) => boolean) =>
  schemas()
    .filter(isWrong)
    .map(({ place }) => place);

describe('every operation', () => {
  it('has one tag, which the document describes; those of operators come last', () => {
    const described = document.tags.map(({ name }) => name);
    const wrong = routes().filter(({ tags = [] }) => tags.length !== 1 || !described.includes(tags[0]!));
    expect(idsOf(wrong)).toEqual([]);
    const misplaced = routes().filter(({ path, tags }) => path.startsWith('/admin/') !== /^Admin: /.test(tags![0]!));
    expect(idsOf(misplaced)).toEqual([]);
    expect(document.tags.filter(({ description }) => !description.endsWith('.'))).toEqual([]);
    const firstOfAdmin = described.findIndex((name) => name.startsWith('Admin: '));
    expect(described.slice(firstOfAdmin).filter((name) => !/^(Admin: |Provider events)/.test(name))).toEqual([]);
  });

  it('has a summary that fits on a line, without a full stop', () => {
    const wrong = routes().filter(({ summary }) => !/^[A-Z].{5,119}[^.]$/.test(summary));
    expect(idsOf(wrong)).toEqual([]);
  });

  it('says which key it needs, or that it needs none', () => {
    const wanted = (path: string) =>
      path.startsWith('/v1/') ? 'bearerAuth' : path.startsWith('/admin/') ? 'adminAuth' : '';
    const wrong = routes().filter(
      ({ path, security }) => security?.map((each) => Object.keys(each).join()).join() !== wanted(path),
    );
    expect(idsOf(wrong)).toEqual([]);
  });

  it('describes each of its parameters', () => {
    const wrong = routes().flatMap(({ operationId, parameters = [] }) =>
      parameters
        .filter(({ description = '' }) => !description.endsWith('.'))
        .map(({ name }) => `${operationId} ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it('describes each of its answers', () => {
    const wrong = routes().flatMap(({ operationId, responses }) =>
      Object.entries(responses)
        .filter(([, { description }]) => !description.endsWith('.'))
        .map(([status]) => `${operationId} ${status}`),
    );
    expect(wrong).toEqual([]);
  });

  it('that takes a body lists 413 and 415, as one with a key lists 401 and one below /v1 lists 403 and 429', () => {
    const wrong = routes().filter(({ path, security, requestBody, responses }) => {
      const needed = [
        ...(requestBody === undefined ? [] : ['413', '415']),
        ...(security?.length === 0 ? [] : ['401']),
        ...(path.startsWith('/v1/') ? ['403', '429'] : []),
      ];
      return needed.some((status) => responses[status] === undefined);
    });
    expect(idsOf(wrong)).toEqual([]);
  });

  it('requires no body where every field of it is optional', () => {
    const wrong = routes().filter(({ requestBody }) => {
      const ref = requestBody?.content['application/json']?.schema.$ref?.split('/').at(-1) ?? '';
      const body = document.components.schemas[ref];
      return requestBody?.required === true && body?.required === undefined;
    });
    expect(idsOf(wrong)).toEqual([]);
  });

  it('that can cost credits says what it holds and when it charges; no other speaks of holds in its errors', () => {
    expect(idsOf(routes().filter(isPaying))).toEqual(expect.arrayContaining(['createVideo', 'createScript']));
    const silent = routes().filter((each) => isPaying(each) && !/reserve.*charge/s.test(each.description ?? ''));
    expect(idsOf(silent)).toEqual([]);
    const untrue = routes()
      .filter((each) => !isPaying(each))
      .filter(({ responses }) => Object.values(responses).some(({ description }) => /\bheld\b/.test(description)));
    expect(idsOf(untrue)).toEqual([]);
  });
});

describe('every schema, as generators of clients need it', () => {
  it('of a body is called so, and apart from what is answered', () => {
    const names = routes().flatMap(({ operationId, requestBody }) =>
      Object.entries(requestBody?.content ?? {}).flatMap(([type, { schema }]) => {
        const endings = { 'application/json': /Body$/, 'multipart/form-data': /(Body|Form)$/ }[type];
        return endings?.test(schema.$ref ?? '') === false ? [`${operationId} ${type}: ${schema.$ref}`] : [];
      }),
    );
    expect(names).toEqual([]);
  });

  it('has a name that no operation, no other schema and no constructor of one has', () => {
    const names = Object.keys(document.components.schemas);
    const taken = new Set([
      ...routes().flatMap(({ operationId }) => [capitalised(operationId), `${capitalised(operationId)}Request`]),
      ...names.map((name) => `New${name}`),
      'Error',
    ]);
    expect(names.filter((name) => taken.has(name))).toEqual([]);
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length);
  });

  it('of an object inside another has a name', () => {
    expect(placesOf(({ schema, isNamed }) => schema.properties !== undefined && !isNamed)).toEqual([]);
  });

  it('that is nullable is a plain type or an anyOf with null', () => {
    const isNullableObject = ({ type, properties }: Schema) =>
      typeof type === 'object' && type.includes('null') && properties !== undefined;
    expect(placesOf(({ schema }) => isNullableObject(schema))).toEqual([]);
    const isUnionWithNull = ({ oneOf = [] }: Schema) => oneOf.some(({ type }) => type === 'null');
    expect(placesOf(({ schema }) => isUnionWithNull(schema))).toEqual([]);
  });
});

describe('null in a JSON body', () => {
  const jsonBodies = (isOfCustomer: boolean) => {
    const found = routes()
      .filter(({ path }) => path.startsWith('/v1/') === isOfCustomer)
      .flatMap(({ requestBody }) => requestBody?.content['application/json']?.schema.$ref ?? []);
    return [...new Set(found)];
  };
  const named = (ref: string) => document.components.schemas[ref.split('/').at(-1)!]!;
  const isNullable = ({ type, anyOf = [], enum: values }: Schema): boolean =>
    anyOf.some(isNullable) || ([type].flat().includes('null') && values === undefined);
  const fieldsOf = (ref: string) =>
    Object.entries(named(ref).properties ?? {}).map(([name, field]) => ({
      name: `${ref.split('/').at(-1)}.${name}`,
      isOptional: !named(ref).required?.includes(name),
      field,
    }));

  it('is taken for every optional field below /v1, and for no other', () => {
    const fields = jsonBodies(true).flatMap(fieldsOf);
    expect(fields.length).toBeGreaterThan(20);
    const wrong = fields.filter(({ isOptional, field }) => isNullable(field) !== isOptional);
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  it('is taken for a value of metadata, for no field of an object inside, and for no item of a list', () => {
    const { metadata } = named('CreateVideoBody').properties!;
    expect(metadata).toMatchObject({ type: ['object', 'null'], additionalProperties: { type: ['string', 'null'] } });
    expect(fieldsOf('InputReference').filter(({ field }) => isNullable(field))).toEqual([]);
    const { events } = named('CreateWebhookEndpointBody').properties!;
    expect([isNullable(events!), isNullable(events!.items!)]).toEqual([true, false]);
  });

  it('is taken for no field of an operator’s body or of a form', () => {
    expect(jsonBodies(false).filter((ref) => jsonBodies(true).includes(ref))).toEqual([]);
    expect(
      jsonBodies(false)
        .flatMap(fieldsOf)
        .filter(({ field }) => isNullable(field)),
    ).toEqual([]);
    const forms = fieldsOf('CreateVideoForm').concat(fieldsOf('RemixVideoForm'));
    expect(forms.filter(({ field }) => isNullable(field))).toEqual([]);
  });
});

it('the document has the version of the package', async () => {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(document.info.version).toBe(version);
});
