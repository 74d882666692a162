import type { Reconciliation } from '../../adminObjects.ts';
import type { AddCommand } from '../../command.ts';
import { fields, table } from '../../output/table.ts';

export const addReconcile: AddCommand = (parent, acting) => {
  parent
    .command('reconcile')
    .description('finish what workflows left unfinished, or say what would be done')
    .option('--dry-run', 'report what would be done and why; change nothing')
    .action(
      acting(async ({ api, output }, { dryRun = false }: { readonly dryRun?: boolean }) => {
        const request = { method: 'POST', path: '/admin/reconcile', body: { dry_run: dryRun } } as const;
        output.print(await api.ask<Reconciliation>(request), (shown) => reportLines(shown, output.columns));
        return undefined;
      }),
    );
};

function reportLines(report: Reconciliation, columns: number): string[] {
  const { acts, orphans, dry_run: isDry } = report;
  const rows = acts.map(({ generation_id: id, action, outcome, why }) => [id, action, outcome, why]);
  return [
    ...(rows.length === 0
      ? ['Nothing is left unfinished.']
      : table(['generation', 'action', 'outcome', 'why'], rows, columns)),
    ...fields([
      ['holds checked', report.holds_checked],
      [isDry ? 'acts to make' : 'acts made', report.acts_made],
      ['holds overdue', report.holds_overdue],
      ['orphans at providers', orphans === null ? null : `${orphans.count} ${orphans.sample.join(' ')}`],
      ['accounts compared', report.accounts_compared],
      ['differences', report.differences],
    ]),
  ];
}
