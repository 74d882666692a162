import type { AddCommand } from '../../command.ts';
import { addAdd } from './add.ts';
import { addDelete } from './delete.ts';
import { addList } from './list.ts';

const addWebhooks: AddCommand = (parent, acting) => {
  const group = parent.command('webhooks').description('who is told when a video completes or fails');
  for (const add of [addList, addAdd, addDelete]) add(group, acting);
};

export const WEBHOOK_COMMANDS: readonly AddCommand[] = [addWebhooks];
