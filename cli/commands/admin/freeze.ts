import type { AddCommand } from '../../command.ts';
import { accountPath } from './ids.ts';

interface Frozen {
  readonly id: string;
  readonly outcome: string;
}

/** `freeze` and `unfreeze`. */
export const addFreeze: AddCommand = (parent, acting) => {
  for (const frozen of [true, false]) {
    parent
      .command(frozen ? 'freeze' : 'unfreeze')
      .description(frozen ? 'take no new holds; what is in progress settles as usual' : 'take holds again')
      .argument('<account>', 'its id')
      .requiredOption('--reason <text>', 'why, for the records')
      .action(
        acting(async ({ api, output }, id: string, { reason }: { readonly reason: string }) => {
          const request = { method: 'POST', path: `${accountPath(id)}/freeze`, body: { frozen, reason } } as const;
          output.print(await api.ask<Frozen>(request), (shown) => [`${shown.id}: ${shown.outcome.replace('_', ' ')}.`]);
          return undefined;
        }),
      );
  }
};
