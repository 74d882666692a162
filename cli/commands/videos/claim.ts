import type { AddCommand } from '../../command.ts';
import { videoPath } from '../ids.ts';
import { order, type OrderOptions, withOrderOptions } from './order.ts';

export const addClaim: AddCommand = (parent, acting) => {
  const command = parent
    .command('claim')
    .description('pay for a video that completed after its credits were refunded')
    .argument('<video>', 'the id of the late video');
  withOrderOptions(command).action(
    acting(async (cli, id: string, options: OrderOptions) =>
      order(cli, `${videoPath(id)}/claim`, { max_credits: options.maxCredits }, options),
    ),
  );
};
