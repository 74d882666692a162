/**
 * What the API answers is partly a customer's or a provider's text: it must not move the cursor, set the title of the window, or
 * turn letters around. So nothing of it reaches a terminal before `cleaned`, or `asJson`, has seen it.
 */

/** C0 but tab and line feed, DEL, C1, line and paragraph separators, and what changes the direction of text. */
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** With `�` for each control character; tabs and line feeds stay. */
export function clean(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(CONTROLS, '�');
}

/** On one line. */
export function oneLine(text: string): string {
  return clean(text).replace(/\s+/g, ' ').trim();
}

/** The same value with every text in it cleaned, names of fields too. */
export function cleaned<Value>(value: Value): Value {
  return deeply(value) as Value;
}

function deeply(value: unknown): unknown {
  if (typeof value === 'string') return clean(value);
  if (Array.isArray(value)) return value.map(deeply);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [clean(name), deeply(each)]));
}

/** As JSON in ASCII escapes where a terminal would act on a character; any program reads back the same text. */
export function asJson(value: unknown): string {
  const text = JSON.stringify(value, null, 2);
  return text.replace(CONTROLS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
