/**
 * What a program with an SDK does, by name: each prints `ok NAME` or `not ok NAME: why` for each step, in any order. Its
 * environment: API_URL (with /v1), PNG_FILE, and the keys of four accounts: API_KEY has credits; POOR_KEY none; FULL_KEY no
 * room for a video until its first 429; of LOSSY_KEY the first answer to a create is lost with the connection.
 */
const PROGRAM_STEPS = {
  videos: [
    ...[
      'create',
      'poll',
      'create with a file',
      'create with a data URL',
      'list',
      'content',
      'range',
      'remix',
      'delete',
    ],
    ...['user and metadata', 'other routes'],
  ],
  errors: ['400 names the parameter', '401', '402', '404', '409', '429'],
  'paying once': ['max_credits', 'Idempotency-Key', 'a lost answer'],
} as const;

export interface StepResult {
  readonly group: string;
  readonly name: string;
  /** Why it failed; undefined if it passed. */
  readonly failure: string | undefined;
}

/** The result of each expected step, and of any other that was printed; a step that the program didn't reach has failed. */
export function readSteps(output: string, exceptions: readonly string[]): StepResult[] {
  const printed = new Map<string, string | undefined>();
  for (const [, word, name = '', why] of output.matchAll(/^(ok|not ok) ([^:\n]+)(?:: (.*))?$/gm)) {
    printed.set(name, word === 'ok' ? undefined : (why ?? 'it failed'));
  }
  const expected = Object.entries(PROGRAM_STEPS)
    .flatMap(([group, names]) => names.map((name) => ({ group, name })))
    .filter(({ name }) => !exceptions.includes(name));
  const known = new Set<string>(expected.map(({ name }) => name));
  const more = [...printed.keys()].filter((name) => !known.has(name)).map((name) => ({ group: 'its own', name }));
  return [...expected, ...more].map(({ group, name }) => ({
    group,
    name,
    failure: printed.has(name) ? printed.get(name) : 'not reached',
  }));
}
