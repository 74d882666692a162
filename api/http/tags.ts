/** The groups of operations, in the order in which pages and generated clients show them. */

interface Tag {
  readonly name: string;
  readonly description: string;
  /** The routes of the group: these paths and what is below them. The longest match decides. */
  readonly paths: readonly string[];
}

const CUSTOMER_TAGS: readonly Tag[] = [
  {
    name: 'Videos',
    description:
      'Create videos and follow them. The price is reserved at first, and charged only when the video completes.',
    paths: ['/v1/videos'],
  },
  {
    name: 'Texts',
    description: 'Scripts and threads. The most that a text can cost is reserved, and its actual cost charged.',
    paths: ['/v1/scripts', '/v1/threads'],
  },
  {
    name: 'Models',
    description: 'The models, their parameters and their prices.',
    paths: ['/v1/models', '/v1/prices'],
  },
  { name: 'Credits', description: 'The balance and every movement of credits.', paths: ['/v1/credits'] },
  {
    name: 'Webhooks',
    description: 'Endpoints that are told when a generation ends, and the log of what was sent to them.',
    paths: ['/v1/webhook_endpoints'],
  },
  { name: 'Health', description: 'Probes. They need no key.', paths: ['/healthz', '/readyz'] },
];

const ADMIN_TAGS: readonly Tag[] = [
  {
    name: 'Admin: accounts',
    description: 'Accounts, their credits and their generations.',
    paths: ['/admin/accounts'],
  },
  { name: 'Admin: API keys', description: 'Keys of accounts.', paths: ['/admin/accounts/{account_id}/keys'] },
  {
    name: 'Admin: generations',
    description: 'Generations of every account: find them, look at them, refund their charges.',
    paths: ['/admin/videos', '/admin/texts', '/admin/generations', '/admin/search'],
  },
  {
    name: 'Admin: prices',
    description: 'The price book.',
    paths: ['/admin/prices', '/admin/offers', '/admin/text_prices'],
  },
  { name: 'Admin: webhooks', description: 'Webhooks of the operator.', paths: ['/admin/webhook_endpoints'] },
  { name: 'Admin: operations', description: 'The state of this installation, and what repairs it.', paths: ['/admin'] },
  { name: 'Provider events', description: 'What the provider tells Holdfast.', paths: ['/webhooks'] },
];

const TAGS = [...CUSTOMER_TAGS, ...ADMIN_TAGS];

/** The name of the group of a route; undefined if it has none. */
export function tagOf(path: string): string | undefined {
  const matches = TAGS.flatMap(({ name, paths }) =>
    paths.filter((prefix) => path === prefix || path.startsWith(`${prefix}/`)).map((prefix) => ({ name, prefix })),
  );
  return matches.sort((a, b) => b.prefix.length - a.prefix.length)[0]?.name;
}

/** What an OpenAPI document says of the groups that these operations use. `x-tagGroups` is for pages that nest them. */
export function describeTags(used: ReadonlySet<string>) {
  const names = (tags: readonly Tag[]) => tags.map(({ name }) => name).filter((name) => used.has(name));
  return {
    tags: TAGS.filter(({ name }) => used.has(name)).map(({ name, description }) => ({ name, description })),
    'x-tagGroups': [
      { name: 'With an API key', tags: names(CUSTOMER_TAGS) },
      { name: 'For operators', tags: names(ADMIN_TAGS) },
    ],
  };
}
