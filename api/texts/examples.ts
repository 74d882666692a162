import { EXAMPLE } from '../http/examples.ts';

/** What the OpenAPI document shows of scripts and threads. */

const script = {
  id: 'script_019a0000000070008000000000000000',
  object: 'script',
  status: 'completed',
  model: 'gpt-4.1-mini',
  created_at: EXAMPLE.creditHold.created_at,
  completed_at: EXAMPLE.creditHold.created_at + 4,
  title: 'Fresh snow',
  text: 'A red fox steps into the morning light.',
  posts: null,
  output: '{"title":"Fresh snow","text":"A red fox steps into the morning light."}',
  usage: { input_tokens: 120, output_tokens: 24 },
  error: null,
  user: 'user-1234',
  metadata: { project: 'winter' },
  credits: {
    state: 'charged',
    amount_microcredits: 112,
    amount: '0.000112',
    hold_id: EXAMPLE.creditHold.id,
    hold_expires_at: EXAMPLE.creditHold.expires_at,
    settled_at: EXAMPLE.creditHold.created_at + 4,
    refunded_microcredits: 0,
    message: '0.000112 credits were charged for this script; 0.001630 were reserved.',
  },
} as const;

const scriptInProgress = {
  ...script,
  status: 'in_progress',
  completed_at: null,
  title: null,
  text: null,
  output: '',
  usage: null,
  credits: {
    ...script.credits,
    state: 'held',
    amount_microcredits: 1630,
    amount: '0.001630',
    settled_at: null,
    refunded_microcredits: undefined,
    message: 'Up to 0.001630 credits are reserved for this script; only its actual cost is charged.',
  },
};

const thread = {
  ...script,
  id: 'thread_019a0000000070008000000000000000',
  object: 'thread',
  title: null,
  text: null,
  posts: ['A red fox steps into the morning light.', 'The snow keeps every step.'],
  output: '{"posts":["A red fox steps into the morning light.","The snow keeps every step."]}',
  credits: {
    ...script.credits,
    message: '0.000112 credits were charged for this thread; 0.001630 were reserved.',
  },
} as const;

export const TEXT_EXAMPLE = {
  script,
  thread,
  deleted: { id: script.id, object: 'script.deleted', deleted: true },
  events: [
    'event: created',
    `data: ${JSON.stringify({ type: 'created', ...scriptInProgress })}`,
    '',
    'event: delta',
    `data: ${JSON.stringify({ type: 'delta', delta: script.output })}`,
    '',
    'event: completed',
    `data: ${JSON.stringify({ type: 'completed', ...script })}`,
    '',
    '',
  ].join('\n'),
} as const;
