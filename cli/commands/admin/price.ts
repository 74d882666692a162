import type { AddCommand } from '../../command.ts';
import type { PriceList } from '../../objects.ts';
import { table } from '../../output/table.ts';
import { addSetPrice, addSetTextPrice } from './setPrice.ts';

export const addPrice: AddCommand = (parent, acting) => {
  const group = parent.command('price').description('what is sold and for what (list takes an API key)');
  for (const add of [addList, addSetPrice, addSetTextPrice]) add(group, acting);
};

const addList: AddCommand = (parent, acting) => {
  parent
    .command('list')
    .description('the price of each model, size and length')
    .option('--model <model>', 'only those of this model')
    .action(
      acting(async ({ api, output }, { model }: { readonly model?: string }) => {
        const all = await api.get<PriceList>('/v1/prices');
        const isShown = (each: { readonly model: string }) => model === undefined || each.model === model;
        const prices = { ...all, data: all.data.filter(isShown), offers: all.offers.filter(isShown) };
        output.print(prices, (shown) => priceLines(shown, output.columns));
        return undefined;
      }),
    );
};

function priceLines({ data, offers }: PriceList, columns: number): string[] {
  if (data.length === 0) return ['Nothing is sold.'];
  const rows = data.map((price) =>
    price.object === 'price'
      ? [price.model, price.size, `${price.seconds} s`, price.amount]
      : [
          price.model,
          'text',
          'in/out, 1M tokens',
          `${inCredits(price.input_microcredits_per_million_tokens)} / ${inCredits(price.output_microcredits_per_million_tokens)}`,
        ],
  );
  const further = offers.filter(({ parameters }) => parameters.length > 0);
  return [
    ...table(['model', 'size', 'length', 'credits'], rows, columns),
    ...further.map(
      ({ model, parameters }) =>
        `${model} takes: ${parameters.map(({ name, type }) => `${name} (${type})`).join(', ')}`,
    ),
  ];
}

function inCredits(microcredits: number): string {
  return (microcredits / 1e6).toFixed(6);
}
