/** A line of the log for a person at a terminal: "08:36:53 WARN  the provider gives no usable answer  state=down". */

interface Level {
  readonly name: string;
  readonly colour: number;
}

const LEVELS = new Map<unknown, Level>([
  [10, { name: 'TRACE', colour: 90 }],
  [20, { name: 'DEBUG', colour: 90 }],
  [30, { name: 'INFO', colour: 32 }],
  [40, { name: 'WARN', colour: 33 }],
  [50, { name: 'ERROR', colour: 31 }],
  [60, { name: 'FATAL', colour: 31 }],
]);
const INFO = 30;
const WARN = 40;

/** Words for a JSON line of our log; any other line is returned as it is. The stack of an error is shown above WARN only. */
export function inWords(line: string, coloured: boolean): string {
  const record = parse(line);
  const level = LEVELS.get(record?.['level']);
  if (record === undefined || level === undefined) return line;
  const { level: number, time, process: _, msg = '', err, ...fields } = record;
  const name = level.name.padEnd(5);
  const shown = coloured && number !== INFO ? `\u001b[${level.colour}m${name}\u001b[0m` : name;
  const pairs = Object.entries(fields).map(([field, value]) => `${field}=${inOneWord(value)}`);
  return [
    `${clock(time)} ${shown} ${[harmless(String(msg)), ...pairs].join('  ')}`,
    ...(err === undefined ? [] : errorLines(err as Record<string, unknown>, Number(number) > WARN)),
  ].join('\n');
}

function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function clock(time: unknown): string {
  const at = new Date(Number(time));
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

function inOneWord(value: unknown): string {
  return typeof value === 'string' && /^[\w.:/@+-]+$/.test(value) ? value : harmless(JSON.stringify(value));
}

function errorLines({ name, code, message, stack }: Record<string, unknown>, withStack: boolean): string[] {
  if (withStack && typeof stack === 'string') return stack.split('\n').map((each) => `  ${harmless(each)}`);
  const why = [name, message].filter((each) => typeof each === 'string').join(': ');
  return [`  ${harmless(why)}${code === undefined ? '' : ` (${inOneWord(code)})`}`];
}

/** What others named must not steer the terminal. */
function harmless(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
