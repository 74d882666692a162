/** In the OpenAPI document, the optional fields of the bodies that are read as if a null were not there (`withoutNulls`). */

/** The parts of a JSON schema that are read or changed here. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
}

const NULL: Schema = { type: 'null' };

type Schemas = Record<string, Schema>;

/** Makes the optional fields of these named schemas nullable, at any depth; changes `schemas` in place. */
export function allowNulls(schemas: Schemas, refs: Iterable<string>): void {
  const done = new Set<string>();
  const follow = (ref: string): void => {
    const name = ref.slice(ref.lastIndexOf('/') + 1);
    const schema = schemas[name];
    if (schema === undefined || done.has(name)) return;
    done.add(name);
    schemas[name] = withOptionalNulls(schema, follow);
  };
  for (const ref of refs) follow(ref);
}

/** `follow` is called with each schema that this one refers to. */
function withOptionalNulls(schema: Schema, follow: (ref: string) => void): Schema {
  if (schema.$ref !== undefined) follow(schema.$ref);
  const inner = (each: Schema) => withOptionalNulls(each, follow);
  const { properties, required = [], additionalProperties, items, anyOf } = schema;
  return {
    ...schema,
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, field]) => {
          return [name, required.includes(name) ? inner(field) : orNull(inner(field))];
        }),
      ),
    }),
    ...(typeof additionalProperties === 'object' && { additionalProperties: orNull(inner(additionalProperties)) }),
    // A null in a list is not left out.
    ...(items && { items: inner(items) }),
    ...(anyOf && { anyOf: anyOf.map(inner) }),
  };
}

function orNull(schema: Schema): Schema {
  const { type, anyOf, enum: values, ...rest } = schema;
  if (type === undefined) {
    // Anything may stand there, a null too; a generator knows no type for a part of an anyOf that says nothing.
    if (anyOf === undefined && schema.$ref === undefined) return schema;
    if (anyOf === undefined) return { anyOf: [schema, NULL] };
    return { ...schema, anyOf: [...anyOf, NULL] };
  }
  // Beside its default: the generator of Go makes a client that does not compile of an enum that has null itself.
  if (values !== undefined) return { ...rest, anyOf: [{ type, enum: values }, NULL] };
  return { ...schema, type: [...new Set([type].flat()).add('null')] };
}
