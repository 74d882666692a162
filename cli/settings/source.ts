/** A place that may name the API, keys for it, or both. */
export interface Source {
  /** As messages call it. */
  readonly name: string;
  readonly url?: string | undefined;
  readonly apiKey?: string | undefined;
  readonly adminKey?: string | undefined;
}

/** What a file holds, before anything is believed about it. */
export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textOf(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
