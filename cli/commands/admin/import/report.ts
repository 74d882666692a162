import { formatCredits } from '../../../../contracts/money.ts';

/** What an import did and found, also with `--json`. */
export interface ImportReport {
  readonly object: 'balance_import';
  readonly dry_run: boolean;
  readonly rows: number;
  readonly accounts_made: number;
  readonly accounts_found: number;
  readonly balance_microcredits: number;
  /** By the statements of the accounts, read back. */
  readonly imported_microcredits: number;
  readonly accounts_file: string | null;
  readonly differences: readonly {
    readonly line: number;
    readonly account_id: string;
    readonly balance_microcredits: number;
    readonly imported_microcredits: number;
  }[];
}

const MOST_SHOWN = 20;

/** For people: each difference, and last in one line how it went. */
export function reportLines(report: ImportReport): string[] {
  const { rows, accounts_made: made, accounts_found: found, differences } = report;
  const [wanted, there] = [formatCredits(report.balance_microcredits), formatCredits(report.imported_microcredits)];
  const accounts = `${made} new accounts, ${found} that were there`;
  if (report.dry_run)
    return [`Nothing was written. ${rows} balances, ${wanted} credits in all, would be imported: ${accounts}.`];
  const shown = differences.slice(0, MOST_SHOWN).map((each) => {
    const [line, account] = [formatCredits(each.balance_microcredits), formatCredits(each.imported_microcredits)];
    return `Line ${each.line}: the file says ${line} credits, and ${account} were imported to ${each.account_id}.`;
  });
  const last =
    differences.length === 0
      ? `Imported and checked ${rows} balances, ${there} credits in all, as the file says: ${accounts}. Whose is which: ${report.accounts_file ?? ''}`
      : `${differences.length} of ${rows} accounts are not as the file says: ${wanted} credits are in it, ${there} were imported.`;
  return [...shown, last];
}
