/** The part of JSON Schema that structured output uses. */
export interface JsonSchema {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  minItems?: number;
  maxItems?: number;
  minimum?: number;
  maxLength?: number;
}

const USUAL_ITEMS = 3;

/** A value that fits a simple schema; its strings contain `text`. */
export function sampleOf(schema: JsonSchema, text: string): unknown {
  if ('const' in schema) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  const first = schema.anyOf?.[0];
  if (first !== undefined) return sampleOf(first, text);
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, value]) => [name, sampleOf(value, `${text} (${name})`)]),
      );
    case 'array':
      return items(schema, text);
    case 'number':
    case 'integer':
      return schema.minimum ?? 1;
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return text.slice(0, schema.maxLength);
  }
}

function items({ items: item = {}, minItems = 0, maxItems = Infinity }: JsonSchema, text: string): unknown[] {
  const length = Math.min(Math.max(USUAL_ITEMS, minItems), maxItems);
  return Array.from({ length }, (_, index) => sampleOf(item, `${index + 1}. ${text}`));
}
