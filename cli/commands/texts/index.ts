import { Option } from 'commander';
import { type AddCommand } from '../../command.ts';
import { wholeNumber } from '../options.ts';
import { write, type WriteOptions, withWriteOptions } from './write.ts';

const addScript: AddCommand = (parent, acting) => {
  const command = parent
    .command('script')
    .description('write a script: the most it can cost is held, its actual cost is charged')
    .argument('<topic>', 'what it is about')
    .addOption(new Option('--length <length>', 'how long').choices(['short', 'medium', 'long']));
  withWriteOptions(command).action(
    acting((cli, topic: string, options: WriteOptions & { readonly length?: string }) =>
      write(cli, 'script', { topic, length: options.length }, options),
    ),
  );
};

const addThread: AddCommand = (parent, acting) => {
  const command = parent
    .command('thread')
    .description('write a thread of posts, in the same way')
    .argument('<topic>', 'what it is about')
    .addOption(new Option('--posts <n>', 'how many posts, 2 to 20').argParser(wholeNumber));
  withWriteOptions(command).action(
    acting((cli, topic: string, options: WriteOptions & { readonly posts?: string }) => {
      const posts = options.posts === undefined ? undefined : Number(options.posts);
      return write(cli, 'thread', { topic, posts }, options);
    }),
  );
};

export const TEXT_COMMANDS: readonly AddCommand[] = [addScript, addThread];
