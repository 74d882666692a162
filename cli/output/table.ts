import { oneLine } from './clean.ts';

export type Cell = string | number | null;

/** Columns under their headings, the last one cut where the terminal ends. Numbers are right-aligned. */
export function table(headings: readonly string[], rows: readonly (readonly Cell[])[], columns: number): string[] {
  const texts = [headings, ...rows.map((row) => row.map((cell) => oneLine(String(cell ?? ''))))];
  const widths = headings.map((_, column) => Math.max(...texts.map((row) => (row[column] ?? '').length)));
  const isNumber = headings.map((_, column) => rows.length > 0 && rows.every((row) => isAmount(row[column] ?? '')));
  return texts.map((row) => {
    const cells = row.map((text, column) => {
      const width = column === row.length - 1 && isNumber[column] !== true ? 0 : (widths[column] ?? 0);
      return isNumber[column] === true ? text.padStart(width) : text.padEnd(width);
    });
    return cut(cells.join('  ').trimEnd(), columns);
  });
}

/** Names and values below each other; those without a value are left out. */
export function fields(pairs: readonly (readonly [name: string, value: Cell | undefined])[]): string[] {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined && value !== '');
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${oneLine(String(value))}`);
}

/** Ends with `…` if it was too long. */
export function cut(line: string, columns: number): string {
  const letters = Array.from(line);
  return letters.length <= columns ? line : `${letters.slice(0, Math.max(0, columns - 1)).join('')}…`;
}

function isAmount(cell: Cell): boolean {
  return typeof cell === 'number' || /^[+-]?[\d.,]+$/.test(cell ?? '');
}
