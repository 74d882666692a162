import type { AddCommand } from '../../command.ts';
import { videoPath } from '../ids.ts';
import { order, type OrderOptions, withOrderOptions } from './order.ts';

export const addRemix: AddCommand = (parent, acting) => {
  const command = parent
    .command('remix')
    .description('make a new video from one that completed, at the price of the original')
    .argument('<video>', 'the id of the original')
    .argument('<prompt>', 'what to change');
  withOrderOptions(command).action(
    acting(async (cli, id: string, prompt: string, options: OrderOptions) =>
      order(cli, `${videoPath(id)}/remix`, { prompt, max_credits: options.maxCredits }, options),
    ),
  );
};
