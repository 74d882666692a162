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

export function lineOf({ title, expected, seen, failure }: Row): string {
  const verdict = failure === undefined ? 'ok    ' : 'FAILED';
  return `  ${verdict} ${title} · expected ${expected} · seen ${seen}${failure === undefined ? '' : ` · ${failure}`}`;
}

/** Writes the tables between the two comments of docs/providers.md. */
export async function writeTable(tested: readonly Tested[]): Promise<void> {
  const text = await readFile(DOCUMENT, 'utf8');
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error('docs/providers.md lacks the two comments');
  const day = new Date().toISOString().slice(0, 10);
  const run = `Run on ${day} by \`npm run test:providers -- --write\`.`;
  const written = [BEGIN, run, serverTable(tested), caseTable(tested), END].join('\n\n');
  await writeFile(
    DOCUMENT,
    await format(before + written + after, { ...(await resolveConfig(DOCUMENT)), parser: 'markdown' }),
  );
}

function serverTable(tested: readonly Tested[]): string {
  const rows = tested.map(({ server, rows: cases, right }) => {
    const settings = Object.entries(server.settings(9000)).map(
      ([name, value]) => `\`${name}: ${JSON.stringify(value)}\``,
    );
    const wrong = cases.filter(({ failure }) => failure !== undefined).map(({ title }) => title);
    return [
      `${server.title} ${server.version}`,
      `${right} of ${cases.length}`,
      wrong.length === 0 ? 'nothing' : wrong.join('; '),
      settings.length === 0 ? 'none' : settings.join(', '),
      server.itsSettings,
    ];
  });
  return table(['server', 'as expected', 'what does not work', 'settings of Holdfast', 'settings of the server'], rows);
}

function caseTable(tested: readonly Tested[]): string {
  const titles = [...new Set(tested.flatMap(({ rows }) => rows.map(({ title }) => title)))];
  const cells = titles.map((title) => [
    title,
    ...tested.map(({ rows }) => {
      const row = rows.find((each) => each.title === title);
      if (row === undefined) return '–';
      return row.failure === undefined ? row.short : `**${row.short}: ${row.failure.slice(0, 100)}**`;
    }),
  ]);
  return table(['case', ...tested.map(({ server }) => `${server.title} ${server.version}`)], cells);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replace(/[|\n]/g, ' ')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
