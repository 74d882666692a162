/** One line of CSV. A cell with a comma or a quotation mark is quoted; none has a line break. */

/** The cells of a line; undefined where a quotation mark is open or in the wrong place. */
export function cellsOf(line: string): string[] | undefined {
  const cells: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  for (;;) {
    const [, quoted, plain = '', end] = cell.exec(line) ?? [];
    if (end === undefined) return undefined;
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === '') return cells;
  }
}

/** The line of these cells. */
export function lineOf(cells: readonly string[]): string {
  return cells.map((cell) => (/[",]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',');
}
