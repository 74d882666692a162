import { parseDocument } from 'yaml';
import { z } from 'zod';
import { providerModel, providerName, terms, videoSize } from './terms.ts';

/** The reviewed file of everything that is sold. docs/prices.md describes it. */

const MAXIMUM_COST = 1_000_000_000_000;
const margin_basis_points = z.number().int().min(0).max(9999);
const sold = { model: z.string().min(1).max(100), for_sale: z.boolean().default(true) };

const Size = z.strictObject({
  cost_per_second_microcredits: z.number().int().min(1).max(MAXIMUM_COST),
  margin_basis_points,
});

const Video = z.strictObject({
  ...sold,
  ...terms,
  sizes: z.record(videoSize, Size).refine((sizes) => Object.keys(sizes).length > 0, 'must have a size'),
});

const Text = z.strictObject({
  ...{ ...sold, provider: providerName.optional(), provider_model: providerModel.optional(), margin_basis_points },
  input_cost_microcredits_per_million_tokens: z.number().int().min(0).max(MAXIMUM_COST),
  output_cost_microcredits_per_million_tokens: z.number().int().min(1).max(MAXIMUM_COST),
});

const PriceFile = z
  .strictObject({ videos: z.array(Video).max(1000).default([]), texts: z.array(Text).max(1000).default([]) })
  .superRefine(({ videos, texts }, context) => {
    for (const [kind, entries] of Object.entries({ videos, texts })) {
      const names = entries.map((entry) => entry.model);
      for (const [place, name] of names.entries()) {
        if (names.indexOf(name) !== place) {
          context.addIssue({ code: 'custom', path: [kind, place, 'model'], message: 'must be there once' });
        }
      }
    }
  });

export type PriceFile = z.output<typeof PriceFile>;

/** Reads the text of the file; every fault of it in words, with its place. Raises nothing. */
export function readPriceFile(text: string): PriceFile | { readonly faults: readonly string[] } {
  const document = parseDocument(text);
  if (document.errors.length > 0) {
    return {
      faults: document.errors.map(({ linePos, code }) => `line ${linePos?.[0].line ?? 1}: is no YAML (${code})`),
    };
  }
  let value: unknown;
  try {
    // Aliases that grow without end are refused here.
    value = document.toJS();
  } catch {
    return { faults: ['it has more aliases than can be read'] };
  }
  const parsed = PriceFile.safeParse(value);
  if (parsed.success) return parsed.data;
  return { faults: parsed.error.issues.flatMap((issue) => faultsOf(issue, '')) };
}

/** Of alternatives the faults of each, for the one that was meant is among them. */
function faultsOf(issue: z.core.$ZodIssue, before: string): string[] {
  const place = [before, ...issue.path.map(String)].filter((part) => part !== '').join('.');
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => `${place}.${key}: is not known`);
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    return issue.errors.flat().flatMap((each) => faultsOf(each, place));
  }
  return [`${place === '' ? 'the file' : place}: ${issue.message}`];
}
