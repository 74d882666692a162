/** Where a fault can strike: one word for each kind of request. */
export type Point = 'create' | 'poll' | 'list' | 'content' | 'delete' | 'chat';

const EFFECTS = ['reset', 'hang', 'html', 'empty', 'slow', 'lost-reply', 'cut', 'no-usage'] as const;
type Effect = (typeof EFFECTS)[number] | 'status';

/** One injected fault; `times` null means without limit. */
export interface Fault {
  point: Point;
  effect: Effect;
  times: number | null;
  status: number;
  code: string | null;
  message: string | null;
  delay_ms: number;
}

/** Why a video failed, as its `error` shows it. Some public servers send integer codes. */
export interface Failure {
  code: string | number;
  message: string;
}

/** All directives of a prompt. */
export interface Directives {
  after_ms: number | null;
  file_ms: number | null;
  never: boolean;
  fail: Failure | null;
  status: string | null;
  terminal: string | null;
  faults: Fault[];
  retry_after_seconds: number | null;
  echo: boolean;
  webhook: 'once' | 'none' | 'twice' | 'early';
}

/** A directive with a known name and an invalid argument: a typo that must not pass silently. */
export class DirectiveError extends Error {}

export const MODERATION_FAILURE: Failure = {
  code: 'moderation_blocked',
  message: 'Your request was blocked by our moderation system.',
};

const PATTERN = /\[\[\s*([a-z-]+)\s*(?::([^\]]*))?\]\]/g;
const LONGEST_MS = 24 * 3600 * 1000;
const COMMON: Effect[] = ['status', 'reset', 'hang', 'html', 'empty', 'slow'];
const ALLOWED: Record<Point, Effect[]> = {
  create: [...COMMON, 'lost-reply'],
  poll: COMMON,
  list: COMMON,
  content: [...COMMON, 'cut'],
  delete: COMMON,
  chat: [...COMMON, 'cut', 'no-usage'],
};

/** Reads the directives of a prompt; names it does not know are ordinary text. */
export function parseDirectives(prompt: string): Directives {
  const found: Directives = {
    after_ms: null,
    file_ms: null,
    never: false,
    fail: null,
    status: null,
    terminal: null,
    faults: [],
    retry_after_seconds: null,
    echo: true,
    webhook: 'once',
  };
  for (const [text, name, argument] of prompt.matchAll(PATTERN)) {
    try {
      read(found, name ?? '', (argument ?? '').trim());
    } catch {
      throw new DirectiveError(`The directive ${text} cannot be understood; docs/simulator.md lists all of them.`);
    }
  }
  return found;
}

/** The prompt as a model would see it: without its directives. */
export function withoutDirectives(prompt: string): string {
  return prompt.replace(PATTERN, ' ').trim();
}

function read(found: Directives, name: string, argument: string): void {
  switch (name) {
    case 'after':
      found.after_ms = duration(argument);
      break;
    case 'file':
      found.file_ms = duration(argument);
      break;
    case 'never':
      found.never = true;
      break;
    case 'fail':
      found.fail = failure(argument);
      break;
    case 'status':
    case 'terminal':
      found[name] = word(argument);
      break;
    case 'retry-after':
      found.retry_after_seconds = integer(argument);
      break;
    case 'echo':
      oneOf(argument, ['none']);
      found.echo = false;
      break;
    case 'webhook':
      found.webhook = oneOf(argument, ['none', 'twice', 'early']);
      break;
    case 'create':
    case 'poll':
    case 'list':
    case 'content':
    case 'delete':
    case 'chat':
      found.faults.push(fault(name, argument));
  }
}

function fault(point: Point, argument: string): Fault {
  const [, body = '', count] = /^(.*?)(?:\*(\d+))?$/.exec(argument) ?? [];
  const [head = '', second, ...rest] = body.split(':').map((part) => part.trim());
  const effect: Effect = /^\d+$/.test(head) ? 'status' : oneOf(head, [...EFFECTS]);
  oneOf(effect, ALLOWED[point]);
  const status = effect === 'status' ? integer(head) : 0;
  if (effect === 'status' && (status < 400 || status > 599)) throw new Error('not an error status');
  const slow = effect === 'slow';
  return {
    point,
    effect,
    times: count === undefined ? usualTimes(point, effect) : Number(count),
    status,
    code: slow ? null : (second ?? null),
    message: rest.length > 0 ? rest.join(':') : null,
    delay_ms: slow ? duration(second ?? '5s') : 0,
  };
}

/** Without a count a fault is permanent, unless it makes the video: then the second submission must be answered. */
function usualTimes(point: Point, effect: Effect): number | null {
  return point === 'create' && effect !== 'status' && effect !== 'slow' && effect !== 'reset' ? 1 : null;
}

function failure(argument: string): Failure {
  const [head = '', ...rest] = argument.split(':');
  const code = word(head.trim());
  if (code === MODERATION_FAILURE.code && rest.length === 0) return MODERATION_FAILURE;
  const message = rest.join(':').trim() || `The video could not be generated (${code}).`;
  return { code: /^\d+$/.test(code) ? Number(code) : code, message };
}

function duration(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(text) ?? [];
  const value = Number(amount) * (unit === 's' ? 1000 : 1);
  if (!(value <= LONGEST_MS)) throw new Error('not a duration');
  return value;
}

function integer(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new Error('not a number');
  return Number(text);
}

function word(text: string): string {
  if (!/^[\w.-]+$/.test(text)) throw new Error('not a word');
  return text;
}

function oneOf<T extends string>(text: string, known: T[]): T {
  const match = known.find((candidate) => candidate === text);
  if (match === undefined) throw new Error('not known');
  return match;
}
