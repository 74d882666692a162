import { type Command, InvalidArgumentError } from 'commander';
import type { AddCommand, Cli } from '../../command.ts';
import { moment } from '../../output/time.ts';
import { microcredits, unixTime } from '../options.ts';

interface Terms {
  readonly margin: number;
  readonly from?: string;
}

interface VideoTerms extends Terms {
  readonly costPerSecond: number;
}

interface TextTerms extends Terms {
  readonly input: number;
  readonly output: number;
}

/** Percent in basis points: 30 → 3000. */
function basisPoints(text: string): number {
  if (!/^\d{1,2}(\.\d{1,2})?$/.test(text)) throw new InvalidArgumentError('It must be a percentage, like 30.');
  return Math.round(Number(text) * 100);
}

function withTerms(command: Command): Command {
  return command
    .requiredOption('--margin <percent>', 'the part of the price that is not cost, like 30', basisPoints)
    .option('--from <time>', 'from when on, else at once', unixTime);
}

export const addSetPrice: AddCommand = (parent, acting) => {
  const command = parent
    .command('set')
    .description('set the price of a video model in a size; what was ordered before keeps its price')
    .argument('<model>', 'such as sora-2')
    .argument('<size>', 'such as 720x1280')
    .requiredOption('--cost-per-second <credits>', 'what the provider takes', microcredits);
  withTerms(command).action(
    acting((cli, model: string, size: string, { costPerSecond, ...terms }: VideoTerms) =>
      set(cli, '/admin/prices', { model, size, cost_per_second_microcredits: costPerSecond, ...termsOf(terms) }),
    ),
  );
};

export const addSetTextPrice: AddCommand = (parent, acting) => {
  const command = parent
    .command('set-text')
    .description('set the price of a text model; what was ordered before keeps its price')
    .argument('<model>', 'such as gpt-4.1-mini')
    .requiredOption('--input <credits>', 'what the provider takes for a million tokens read', microcredits)
    .requiredOption('--output <credits>', 'and for a million tokens written', microcredits);
  withTerms(command).action(
    acting((cli, model: string, { input, output, ...terms }: TextTerms) => {
      const costs = {
        input_cost_microcredits_per_million_tokens: input,
        output_cost_microcredits_per_million_tokens: output,
      };
      return set(cli, '/admin/text_prices', { model, ...costs, ...termsOf(terms) });
    }),
  );
};

function termsOf({ margin, from }: Terms) {
  return { margin_basis_points: margin, effective_from: from === undefined ? undefined : Number(from) };
}

async function set({ api, output }: Cli, path: string, body: object): Promise<undefined> {
  const price = await api.ask<{ model: string; effective_from: number }>({ method: 'POST', path, body });
  output.print(price, ({ model, effective_from: from }) => [
    `${model} has a new price from ${moment(from) ?? 'now'} on.`,
  ]);
  return undefined;
}
