import { formatCredits } from '../../../contracts/money.ts';
import type { Overview } from '../../adminObjects.ts';
import type { AddCommand } from '../../command.ts';
import { fields } from '../../output/table.ts';

export const addOverview: AddCommand = (parent, acting) => {
  parent
    .command('overview')
    .description('what is active, held and stuck, and what was charged and refunded today')
    .action(
      acting(async ({ api, output }) => {
        output.print(await api.get<Overview>('/admin/overview'), overviewLines);
        return undefined;
      }),
    );
};

function overviewLines(seen: Overview): string[] {
  const { sales, failures } = seen;
  const today = (count: number, microcredits: number) => `${count}, ${formatCredits(microcredits)} credits`;
  return fields([
    ['active', `${seen.active_generations}, ${formatCredits(seen.held_microcredits)} credits held`],
    ['stuck holds', seen.stuck_holds],
    ['charged today', today(seen.charged_today, seen.charged_today_microcredits)],
    ['released today', today(seen.released_today, seen.released_today_microcredits)],
    ['refunded today', today(seen.refunded_today, seen.refunded_today_microcredits)],
    ['failed in 24 h', failures.map(({ code, generations }) => `${generations} × ${code}`).join(', ') || 'none'],
    ['sales', sales.open ? 'open' : `closed: ${sales.reason ?? ''}`],
  ]);
}
