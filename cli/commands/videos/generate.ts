import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import type { AddCommand } from '../../command.ts';
import { reasonOf, wrongUse } from '../../failure.ts';
import { pair } from '../options.ts';
import { order, type OrderOptions, withOrderOptions } from './order.ts';

interface Options extends OrderOptions {
  readonly model?: string;
  readonly seconds?: string;
  readonly size?: string;
  readonly param?: Record<string, string>;
  readonly image?: string;
  readonly user?: string;
  readonly metadata?: Record<string, string>;
}

export const addGenerate: AddCommand = (parent, acting) => {
  const command = parent
    .command('generate')
    .description('make a video: its price is held, and charged only if it completes')
    .argument('<prompt>', 'what to make')
    .option('--model <model>', 'holdfast price list tells which are sold')
    .option('--seconds <n>', 'its length')
    .option('--size <WxH>', 'its size, like 720x1280')
    .option('-p, --param <name=value>', 'a further parameter of the model, may be repeated', pair)
    .option('--image <file>', 'a PNG, JPEG or WebP as the reference image')
    .option('--user <id>', 'your own id of the user who asked for it')
    .option('--metadata <name=value>', 'a pair to keep with it, may be repeated', pair);
  withOrderOptions(command).action(
    acting(async (cli, prompt: string, options: Options) =>
      order(cli, '/v1/videos', await bodyOf(prompt, options), options),
    ),
  );
};

/** A form where there is a file, or a parameter: there the API reads the type of a value by the model's offer. */
async function bodyOf(prompt: string, options: Options): Promise<object | FormData> {
  const { model, seconds, size, user, metadata = {}, maxCredits, param = {}, image } = options;
  const fields = { prompt, model, seconds, size, user, max_credits: maxCredits };
  if (image === undefined && Object.keys(param).length === 0) return { ...fields, metadata };
  const form = new FormData();
  const pairs = Object.entries(metadata).map(([name, value]) => [`metadata[${name}]`, value] as const);
  for (const [name, value] of [...Object.entries({ ...param, ...fields }), ...pairs]) {
    if (value !== undefined) form.append(name, value);
  }
  if (image !== undefined) form.append('input_reference', await imageFile(image));
  return form;
}

const TYPES = new Map([
  ['.png', 'image/png'],
  ['.jpg', 'image/jpeg'],
  ['.jpeg', 'image/jpeg'],
  ['.webp', 'image/webp'],
]);

async function imageFile(path: string): Promise<File> {
  const type = TYPES.get(extname(path).toLowerCase());
  if (type === undefined) throw wrongUse(`${path} must be a PNG, JPEG or WebP, by its name too.`);
  const bytes = await readFile(path).catch((error: unknown) => {
    throw wrongUse(`${path} can’t be read: ${reasonOf(error)}.`);
  });
  return new File([bytes], basename(path), { type });
}
