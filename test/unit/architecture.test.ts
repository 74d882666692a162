import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { IDependency, IModule } from 'dependency-cruiser';
import { cruise } from 'dependency-cruiser';
import { beforeAll, describe, expect, it } from 'vitest';

/**
 * The house: which room may know which. A *room* is a folder at the root; `dev/simulator` is one of its own. A room may
 * always import itself. Type-only imports count like any other.
 */
interface Room {
  /** Rooms of ours. */
  readonly ours: readonly string[];
  /** Packages, with everything below them. */
  readonly packages: readonly string[];
  /** Packages of which only types may be imported. */
  readonly types?: readonly string[];
  readonly nodeBuiltins: boolean;
}

const ROOMS: Record<string, Room> = {
  contracts: { ours: [], packages: [], types: ['@temporalio/common'], nodeBuiltins: false },
  workflows: {
    ours: ['contracts'],
    packages: ['@temporalio/workflow', '@temporalio/interceptors-opentelemetry-v2'],
    nodeBuiltins: false,
  },
  activities: {
    ours: ['contracts', 'ledger', 'outbound', 'provider', 'store', 'texts'],
    packages: ['@temporalio/activity', '@temporalio/common'],
    nodeBuiltins: true,
  },
  ledger: { ours: ['contracts', 'store'], packages: ['csv-stringify', 'p-limit', 'pg'], nodeBuiltins: true },
  store: { ours: ['contracts'], packages: ['p-limit', 'pg'], nodeBuiltins: true },
  temporal: {
    ours: ['contracts'],
    packages: ['@temporalio/client', '@temporalio/common', '@temporalio/envconfig'],
    nodeBuiltins: true,
  },
  network: { ours: [], packages: ['ipaddr.js', 'undici'], nodeBuiltins: true },
  provider: { ours: ['contracts', 'network'], packages: ['file-type', 'openai', 'undici', 'zod'], nodeBuiltins: true },
  texts: { ours: [], packages: ['zod'], nodeBuiltins: false },
  pricebook: { ours: ['contracts', 'ledger', 'store'], packages: ['yaml', 'zod'], nodeBuiltins: true },
  outbound: { ours: ['contracts', 'network'], packages: ['standardwebhooks', 'undici'], nodeBuiltins: true },
  api: {
    ours: ['contracts', 'ledger', 'outbound', 'pricebook', 'provider', 'store', 'temporal', 'texts'],
    packages: ['@hono/node-server', '@hono/zod-openapi', 'canonicalize', 'file-type', 'hono', 'uplot', 'uuid', 'zod'],
    nodeBuiltins: true,
  },
  worker: {
    ours: ['activities', 'contracts', 'platform', 'temporal'],
    packages: ['@temporalio/worker'],
    nodeBuiltins: true,
  },
  platform: {
    ours: ['contracts'],
    packages: [
      '@opentelemetry/api',
      '@opentelemetry/exporter-trace-otlp-http',
      '@opentelemetry/resources',
      '@opentelemetry/sdk-trace-node',
      '@temporalio/interceptors-opentelemetry-v2',
      'pino',
      'prom-client',
    ],
    nodeBuiltins: true,
  },
  migrations: { ours: [], packages: ['pg'], nodeBuiltins: true },
  cli: { ours: ['contracts'], packages: ['@bomb.sh/tab', 'commander'], nodeBuiltins: true },
  clients: { ours: [], packages: [], types: ['openai'], nodeBuiltins: false },
  examples: { ours: [], packages: ['express', 'standardwebhooks'], nodeBuiltins: false },
  'dev/simulator': { ours: ['platform'], packages: ['@hono/node-server', 'hono', 'zod'], nodeBuiltins: true },
  config: { ours: ['provider'], packages: ['yaml', 'zod'], nodeBuiltins: true },
  'config.ts': { ours: ['config', 'contracts'], packages: ['@temporalio/envconfig', 'zod'], nodeBuiltins: false },
};

/**
 * Each process is put together in its `main.ts`: only there do the configuration and the rooms meet. The worker's is in three
 * files, for the crash tests start the same worker.
 */
const COMPOSITION_ROOT = /^((api|ledger|pricebook|temporal|worker|migrations)\/main|worker\/(dependencies|run))\.ts$/;
/** `npm start` says what is wrong with the configuration before it starts anything. */
const CHECKED_BEFORE_A_START = 'dev/configuration.ts';
const COMPOSED = [
  'activities',
  'config.ts',
  'ledger',
  'migrations',
  'outbound',
  'platform',
  'provider',
  'store',
  'temporal',
];

/** Tools and tests may import anything but the configuration, which tests may too. */
const UNBOUND = ['dev', 'test', 'vitest.config.ts', 'vitest.long.config.ts', 'eslint.config.mjs'];

type Import = Pick<IDependency, 'module' | 'resolved' | 'dependencyTypes'>;

function roomOf(path: string): string {
  const [first = '', second = ''] = path.split('/');
  return first === 'dev' && second === 'simulator' ? 'dev/simulator' : first;
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function isAllowed(source: string, { module, resolved, dependencyTypes }: Import): boolean {
  const room = roomOf(source);
  if (resolved === 'config.ts' && room !== 'test')
    return COMPOSITION_ROOT.test(source) || source === CHECKED_BEFORE_A_START;
  if (UNBOUND.includes(room)) return true;
  const rules = ROOMS[room];
  if (rules === undefined) return false;
  if (dependencyTypes.includes('core')) return rules.nodeBuiltins;
  const name = packageOf(module);
  // By its name alone: a package that only an example has is not installed here.
  if (rules.packages.includes(name)) return true;
  if (dependencyTypes.some((type) => type.startsWith('npm'))) {
    return dependencyTypes.includes('type-only') && rules.types?.includes(name) === true;
  }
  const target = roomOf(resolved);
  return target === room || rules.ours.includes(target) || (COMPOSITION_ROOT.test(source) && COMPOSED.includes(target));
}

/** Every import that the house does not allow, as "file → file" or "file → package". */
function violations(modules: readonly { source: string; dependencies: readonly Import[] }[]): string[] {
  return modules.flatMap(({ source, dependencies }) =>
    dependencies
      .filter((dependency) => !isAllowed(source, dependency))
      .map(({ module, resolved, dependencyTypes }) => {
        const outside = dependencyTypes.some((type) => type === 'core' || type.startsWith('npm'));
        return `${source} → ${outside ? module : resolved}`;
      }),
  );
}

async function readCode(): Promise<IModule[]> {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const notOurs = /^\.|^(node_modules|dist|coverage)$/;
  const entries = await readdir(root, { withFileTypes: true });
  const roots = entries
    .filter((entry) => !notOurs.test(entry.name) && (entry.isDirectory() || /\.m?ts$/.test(entry.name)))
    .map(({ name }) => name);
  const { output } = await cruise(
    roots,
    {
      baseDir: root,
      tsPreCompilationDeps: true,
      doNotFollow: { path: '(^|/)node_modules/' },
      exclude: { path: '^cli/dist/' },
    },
    {
      extensions: ['.ts', '.tsx', '.mjs', '.js'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node'],
    },
  );
  if (typeof output === 'string') throw new Error(output);
  // What is imported is listed as well: packages, built-ins of Node, and what is not there, which tsc complains of.
  return output.modules.filter(
    ({ coreModule, couldNotResolve, matchesDoNotFollow }) => !(coreModule || couldNotResolve || matchesDoNotFollow),
  );
}

describe('architecture', () => {
  let modules: IModule[];
  beforeAll(async () => {
    modules = await readCode();
  });

  it('sees every room of the house', () => {
    expect([...new Set(modules.map(({ source }) => roomOf(source)))]).toEqual(
      expect.arrayContaining(Object.keys(ROOMS)),
    );
  });

  it('every folder with code has its line in the house', () => {
    const rooms = new Set(modules.map(({ source }) => roomOf(source)));
    expect([...rooms].filter((room) => ROOMS[room] === undefined && !UNBOUND.includes(room))).toEqual([]);
  });

  it('docs/ARCHITECTURE.md has a line for each room, and for nothing else', async () => {
    const text = await readFile(new URL('../../docs/ARCHITECTURE.md', import.meta.url), 'utf8');
    const named = [...text.matchAll(/^\| `([a-z]+)\/` /gm)].map(([, room]) => room);
    const rooms = [...Object.keys(ROOMS), ...UNBOUND].filter((room) => /^[a-z]+$/.test(room));
    expect(named.toSorted()).toEqual(rooms.toSorted());
  });

  it('no room imports what the house does not allow', () => {
    expect(violations(modules)).toEqual([]);
  });

  it('no imports go in a circle', () => {
    const cycles = modules.flatMap(({ source, dependencies }) =>
      dependencies
        .filter(({ circular }) => circular)
        .map(({ cycle = [] }) => [source, ...cycle.map(({ name }) => name)].join(' → ')),
    );
    expect(cycles).toEqual([]);
  });

  it.each<[source: string, dependency: Import, named: string]>([
    ['contracts/money.ts', local('store/pool.ts'), 'contracts/money.ts → store/pool.ts'],
    ['contracts/ids.ts', fromNpm('@temporalio/common/lib/a'), 'contracts/ids.ts → @temporalio/common/lib/a'],
    ['workflows/watch.ts', core('node:crypto'), 'workflows/watch.ts → node:crypto'],
    ['workflows/watch.ts', local('activities/index.ts', 'type-only'), 'workflows/watch.ts → activities/index.ts'],
    ['ledger/holds.ts', fromNpm('openai'), 'ledger/holds.ts → openai'],
    ['api/app.ts', local('config.ts'), 'api/app.ts → config.ts'],
    ['api/main.ts', local('dev/state.ts'), 'api/main.ts → dev/state.ts'],
    ['dev/stack.ts', local('config.ts'), 'dev/stack.ts → config.ts'],
    ['dev/simulator/main.ts', local('contracts/money.ts'), 'dev/simulator/main.ts → contracts/money.ts'],
    ['api/app.ts', fromNpm('@temporalio/client'), 'api/app.ts → @temporalio/client'],
    ['cli/run.ts', local('api/http/errors.ts'), 'cli/run.ts → api/http/errors.ts'],
    ['newroom/a.ts', local('contracts/money.ts'), 'newroom/a.ts → contracts/money.ts'],
  ])('names a planted import of %s', (source, dependency, named) => {
    expect(violations([{ source, dependencies: [dependency] }])).toEqual([named]);
  });
});

function local(resolved: string, ...more: Import['dependencyTypes']): Import {
  return { module: `../${resolved}`, resolved, dependencyTypes: ['local', ...more] };
}

function fromNpm(module: string): Import {
  return { module, resolved: `node_modules/${module}/index.js`, dependencyTypes: ['npm'] };
}

function core(module: string): Import {
  return { module, resolved: module, dependencyTypes: ['core'] };
}
