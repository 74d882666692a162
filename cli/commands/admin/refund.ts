import { randomUUID } from 'node:crypto';
import { formatCredits } from '../../../contracts/money.ts';
import { isGenerationId } from '../../../contracts/ids.ts';
import type { Refund } from '../../adminObjects.ts';
import type { AddCommand } from '../../command.ts';
import { wrongUse } from '../../failure.ts';
import { microcredits } from '../options.ts';
import { sendPaid } from '../paying.ts';

interface Options {
  readonly amount?: number;
  readonly reason: string;
  readonly idempotencyKey?: string;
}

export const addRefund: AddCommand = (parent, acting) => {
  parent
    .command('refund')
    .description('give back the charge for a video, script or thread, or what is left of it')
    .argument('<id>', 'its id')
    .option('--amount <credits>', 'only a part', microcredits)
    .requiredOption('--reason <text>', 'why; the customer reads it')
    .option('--idempotency-key <key>', 'your own key: however often it is sent, it has its effect once')
    .action(
      acting(async (cli, id: string, { amount, reason, idempotencyKey }: Options) => {
        if (!isGenerationId(id))
          throw wrongUse('The id must be that of a video, script or thread, such as video_01a2….');
        const body = { amount_microcredits: amount, reason };
        const sent = {
          path: `/admin/videos/${id}/refund`,
          body,
          idempotencyKey: idempotencyKey ?? `cli-${randomUUID()}`,
        };
        cli.output.print(await sendPaid(cli, sent, (request) => cli.api.ask<Refund>(request)), (refund) => [
          `${formatCredits(refund.amount_microcredits)} credits were refunded for ${refund.generation_id}; ${formatCredits(refund.refundable_microcredits)} of its charge are left.`,
        ]);
        return undefined;
      }),
    );
};
