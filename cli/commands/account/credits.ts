import type { AddCommand } from '../../command.ts';
import type { CreditsObject } from '../../objects.ts';
import { fields } from '../../output/table.ts';

export const addCredits: AddCommand = (parent, acting) => {
  parent
    .command('credits')
    .description('what is available, and what is held for generations in progress')
    .action(
      acting(async ({ api, output }) => {
        const credits = await api.get<CreditsObject>('/v1/credits');
        output.print(credits, ({ available, held, account_id: account }) =>
          fields([
            ['available', `${available} credits`],
            ['held', `${held} credits`],
            ['account', account],
          ]),
        );
        return undefined;
      }),
    );
};
