import { randomUUID } from 'node:crypto';
import { formatCredits } from '../../../contracts/money.ts';
import type { Grant } from '../../adminObjects.ts';
import type { AddCommand } from '../../command.ts';
import { signedMicrocredits } from '../options.ts';
import { sendPaid } from '../paying.ts';
import { accountPath } from './ids.ts';

interface Options {
  readonly reason: string;
  readonly idempotencyKey?: string;
}

export const addGrant: AddCommand = (parent, acting) => {
  parent
    .command('grant')
    .description('give credits to an account, or take back with an amount below zero')
    .argument('<account>', 'its id')
    .argument('<credits>', 'how many, like 10 or -2.5', signedMicrocredits)
    .requiredOption('--reason <text>', 'why; the customer reads it')
    .option('--idempotency-key <key>', 'your own key: however often it is sent, it has its effect once')
    .action(
      acting(async (cli, account: string, amount: number, { reason, idempotencyKey }: Options) => {
        const path = `${accountPath(account)}/grants`;
        const body = { amount_microcredits: amount, reason };
        const sent = { path, body, idempotencyKey: idempotencyKey ?? `cli-${randomUUID()}` };
        cli.output.print(await sendPaid(cli, sent, (request) => cli.api.ask<Grant>(request)), (grant) => [
          `${formatCredits(grant.amount_microcredits)} credits were granted to ${grant.account_id}; ${formatCredits(grant.available_microcredits)} are available.`,
        ]);
        return undefined;
      }),
    );
};
