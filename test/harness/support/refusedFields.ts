import type { RefusedField } from '../../../contracts/offers.ts';
import { post, type send } from './fakedApi.ts';

/** Requests for videos with fields that are not sold, each with what its message says first. */

type Case = [what: string, said: string, path: string, init: RequestInit, fakes?: Parameters<typeof send>[2]];

const answering = (value: unknown) => () => Promise.resolve(value);
const refusedField = (answer: RefusedField) => ({
  ledger: { admitGeneration: answering({ outcome: 'refused', answer }) },
});

export const REFUSED_FIELDS: Case[] = [
  ['seconds as a number', 'seconds must be text.', '/v1/videos', post({ prompt: 'x', seconds: 4 })],
  [
    'seconds that are not sold',
    'seconds must be one of "4", "8" or "12", as text.',
    '/v1/videos',
    post({ prompt: 'x', seconds: '5' }),
    refusedField({ param: 'seconds', fault: 'no_value', rule: { values: [4, 8, 12] } }),
  ],
  [
    'seconds outside of a range',
    'duration must be a whole number from "1" to "15", as text.',
    '/v1/videos',
    post({ prompt: 'x', duration: 16 }),
    refusedField({
      param: 'seconds',
      fault: 'no_value',
      rule: { values: Array.from({ length: 15 }, (_, n) => n + 1) },
    }),
  ],
  [
    'two lengths',
    'duration must be left out beside seconds.',
    '/v1/videos',
    post({ prompt: 'x', seconds: '4', duration: 4 }),
  ],
  [
    'two sizes',
    'resolution must be left out beside size.',
    '/v1/videos',
    post({ prompt: 'x', size: '1x1', resolution: '1k' }),
  ],
  [
    'an unknown field',
    'colour is not a known field.',
    '/v1/videos',
    post({ prompt: 'x', colour: 'red' }),
    refusedField({ param: 'colour', fault: 'unknown' }),
  ],
  [
    'a field that no model can have',
    'Colour is not a known field.',
    '/v1/videos',
    post({ prompt: 'x', Colour: 'red' }),
  ],
  [
    'a parameter that is no text',
    'style must be text of at most',
    '/v1/videos',
    post({ prompt: 'x', style: '\u0000' }),
  ],
  ...(
    [
      ['no_boolean', 'must be true or false.'],
      ['no_integer', 'must be a whole number.'],
      ['no_number', 'must be a number'],
      ['too_small', 'must be at least 1.'],
      ['too_large', 'must be at most 9.'],
      ['no_step', 'must be 1 or more by steps of 2.'],
      ['no_value', 'must be "a".'],
      ['no_string', 'must be text.'],
      ['too_long', 'must have at most 5 characters.'],
      ['flags', 'must not have options like'],
    ] as const
  ).map(([fault, said]): Case => [
    `a parameter that has ${fault}`,
    `fps ${said}`,
    '/v1/videos',
    post({ prompt: 'x', fps: '0' }),
    refusedField({ param: 'fps', fault, rule: { min: 1, max: 9, step: 2, max_length: 5, values: ['a'] } }),
  ]),
  [
    'a model whose provider is not configured',
    'The provider of this model is not available.',
    '/v1/videos',
    post({ prompt: 'x' }),
    { ledger: { admitGeneration: answering({ outcome: 'no_provider' }) } },
  ],
];
