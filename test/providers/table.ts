import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { repository } from '../../dev/state.ts';
import type { Row } from './orders.ts';
import type { RealServer } from './servers.ts';

export interface Tested {
  readonly server: RealServer;
  readonly rows: readonly Row[];
  /** How many of them are as expected. */
  readonly right: number;
}

const DOCUMENT = join(repository, 'docs', 'providers.md');
const BEGIN = '<!-- Written by npm run test:providers -- --write -->';
const END = '<!-- The end of what it writes -->';
/** The case could not be tried there. */
const NONE = '–';

export function lineOf({ title, expected, seen, failure }: Row): string {
  const verdict = failure === undefined ? 'ok    ' : 'FAILED';
  return `  ${verdict} ${title} · expected ${expected} · seen ${seen}${failure === undefined ? '' : ` · ${failure}`}`;
}

/** What is shown of one server: a row of the first table, and a column of the second one. */
interface Shown {
  readonly cells: readonly string[];
  readonly byTitle: ReadonlyMap<string, string>;
}

const HEAD = [
  'server',
  'as expected',
  'what does not work',
  'settings of Holdfast',
  'settings of the server',
  'run on',
];

/**
 * Writes the tables between the two comments of docs/providers.md. Servers that did not run keep what is written of them; what is
 * not in `servers` any more goes.
 */
export async function writeTable(tested: readonly Tested[], servers: readonly RealServer[]): Promise<void> {
  const text = await readFile(DOCUMENT, 'utf8');
  const [before, rest] = text.split(BEGIN);
  const [written, after] = rest?.split(END) ?? [];
  if (before === undefined || written === undefined || after === undefined)
    throw new Error('docs/providers.md lacks the two comments');
  const shown = new Map([...readTables(written), ...tested.map((each) => [nameOf(each.server), show(each)] as const)]);
  const kept = servers.map(nameOf).flatMap((name) => {
    const one = shown.get(name);
    return one === undefined ? [] : [[name, one] as const];
  });
  const run = 'Written by `npm run test:providers -- --write`.';
  const first = table(
    HEAD,
    kept.map(([, { cells }]) => cells),
  );
  const tables = [BEGIN, run, first, caseTable(kept), END].join('\n\n');
  await writeFile(
    DOCUMENT,
    await format(before + tables + after, { ...(await resolveConfig(DOCUMENT)), parser: 'markdown' }),
  );
}

const nameOf = ({ title, version }: RealServer) => `${title} ${version}`;

/** What is written of each server. */
function readTables(written: string): Map<string, Shown> {
  const lines = written.split('\n').filter((line) => line.startsWith('|'));
  const rows = lines.map((line) => line.split('|').slice(1, -1)).map((cells) => cells.map((cell) => cell.trim()));
  const second = rows.findIndex(([head]) => head === 'case');
  if (second === -1) return new Map();
  // Below each head is its line of dashes.
  const [, , ...servers] = rows.slice(0, second);
  const [names = [], , ...cases] = rows.slice(second);
  return new Map(
    servers.map((cells) => {
      const [name = ''] = cells;
      const column = names.indexOf(name);
      return [name, { cells, byTitle: new Map(cases.map((row) => [row[0] ?? '', row[column] ?? NONE])) }];
    }),
  );
}

function show({ server, rows, right }: Tested): Shown {
  const settings = Object.entries(server.settings(9000)).map(
    ([name, value]) => `\`${name}: ${JSON.stringify(value)}\``,
  );
  const wrong = rows.filter(({ failure }) => failure !== undefined).map(({ title }) => title);
  const cells = [
    nameOf(server),
    `${right} of ${rows.length}`,
    wrong.length === 0 ? 'nothing' : wrong.join('; '),
    settings.length === 0 ? 'none' : settings.join(', '),
    server.itsSettings,
    new Date().toISOString().slice(0, 10),
  ];
  const cellOf = ({ short, failure }: Row) =>
    failure === undefined ? short : `**${short}: ${failure.slice(0, 100)}**`;
  return { cells, byTitle: new Map(rows.map((row) => [row.title, cellOf(row)])) };
}

function caseTable(shown: readonly (readonly [name: string, Shown])[]): string {
  const titles = [...new Set(shown.flatMap(([, { byTitle }]) => [...byTitle.keys()]))];
  const rows = titles.map((title) => [title, ...shown.map(([, { byTitle }]) => byTitle.get(title) ?? NONE)]);
  return table(['case', ...shown.map(([name]) => name)], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replace(/[|\n]/g, ' ')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
