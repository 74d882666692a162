// npm run build: makes `dist/`, which is all that a production process runs: our programs as JavaScript, the files that they
// read, and the workflows' bundle; and `cli/dist/`, the command line in one file, which needs nothing of the repository. Runs before anything else of ours, so it is JavaScript itself.
//
// Types are checked by `npm run types`, not here. Only what has changed is made again, each file in one step, so that any number
// of processes may build at once while others run.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');
const record = join(dist, 'built.json');
const bundle = 'workflow-bundle.js';
/** The same workflows with OpenTelemetry's interceptors in them, for workers that trace. */
const tracedBundle = 'workflow-bundle.traced.js';
/** The console's script and style are bundles too; its icon is beside them. */
const browserFolder = 'api/console/browser';
const assets = 'api/console/assets';
const browserEntries = {
  [`${assets}/console.js`]: `${browserFolder}/main.ts`,
  [`${assets}/console.css`]: `${browserFolder}/console.css`,
  [`${assets}/icon.svg`]: `${browserFolder}/icon.svg`,
};
/** The command line, which is not a part of production. */
const commandLine = '../cli/dist/holdfast.cjs';
/** What no program of production reads. */
const aside = new Set(['node_modules', 'dist', 'cli', 'test', 'clients', 'docs', 'coverage']);

function hashOf(...contents) {
  const hash = createHash('sha256');
  for (const content of contents) hash.update(content).update('\0');
  return hash.digest('hex');
}

/** What is built from what: source, place in `dist/`, and the hash of all that the result depends on. */
function plan() {
  const folders = readdirSync(root, { withFileTypes: true }).filter(
    ({ name }) => !name.startsWith('.') && !aside.has(name),
  );
  const files = folders.flatMap((entry) => {
    if (!entry.isDirectory()) return entry.name === 'config.ts' || entry.name === 'package.json' ? [entry.name] : [];
    return filesBelow(entry.name).filter((path) => !/\.mjs$|tsconfig/.test(path));
  });
  const builder = hashOf(readFileSync(fileURLToPath(import.meta.url)), readFileSync(join(root, 'package-lock.json')));
  const hashed = files.map((source) => ({ source, hash: hashOf(builder, source, readFileSync(join(root, source))) }));
  const isForBrowsers = ({ source }) => dirname(source) === browserFolder;
  const single = hashed
    .filter((each) => !isForBrowsers(each))
    .map((each) => ({ ...each, target: each.source.replace(/\.tsx?$/, '.js') }));
  const browserHash = hashOf(...hashed.filter(isForBrowsers).map(({ hash }) => hash));
  const forBrowsers = Object.entries(browserEntries).map(([target, source]) => ({ target, source, hash: browserHash }));
  const inBundle = single.filter(({ source }) => /^(workflows|contracts)\//.test(source)).map(({ hash }) => hash);
  const hash = hashOf(builder, ...inBundle.sort());
  const bundles = [{ target: bundle }, { target: tracedBundle, interceptors: ['workflows/tracing.ts'] }];
  return [
    ...single,
    ...forBrowsers,
    ...bundles.map((each) => ({ ...each, source: 'workflows/index.ts', hash })),
    planCommandLine(builder),
  ];
}

function planCommandLine(builder) {
  const sources = [
    ...filesBelow('cli').filter((path) => !path.startsWith('cli/dist')),
    ...filesBelow('contracts'),
  ].sort();
  const hash = hashOf(builder, ...sources.flatMap((path) => [path, readFileSync(join(root, path))]));
  return { source: 'cli/main.ts', target: commandLine, hash };
}

function filesBelow(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => relative(root, join(each.parentPath, each.name)));
}

function readRecord() {
  try {
    return JSON.parse(readFileSync(record, 'utf8'));
  } catch {
    return {};
  }
}

/** Writes the file in one step: whoever reads it meanwhile sees the old one or the new one. */
function put(target, content, mode = 0o666) {
  const path = join(dist, target);
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, content, { mode });
  renameSync(temporary, path);
}

async function translate({ source, target }) {
  const text = readFileSync(join(root, source));
  if (!/\.tsx?$/.test(source)) return put(target, text);
  const { transform } = await import('@swc/core');
  const { code, map } = await transform(text.toString(), {
    filename: source,
    sourceFileName: relative(join(dist, dirname(target)), join(root, source)),
    configFile: false,
    swcrc: false,
    sourceMaps: true,
    inlineSourcesContent: false,
    module: { type: 'es6' },
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', tsx: source.endsWith('.tsx') },
      transform: { verbatimModuleSyntax: true, react: { runtime: 'automatic', importSource: 'hono/jsx' } },
      rewriteRelativeImportExtensions: true,
    },
  });
  put(`${target}.map`, map);
  put(target, `${code}//# sourceMappingURL=${target.slice(target.lastIndexOf('/') + 1)}.map\n`);
}

/** With the packages that it uses, so that a browser needs nothing else. */
async function bundleForBrowsers({ source, target }) {
  const { build: bundleFiles } = await import('esbuild');
  const { outputFiles } = await bundleFiles({
    entryPoints: [join(root, source)],
    ...{
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      target: 'es2022',
      charset: 'utf8',
      logLevel: 'warning',
    },
  });
  put(target, outputFiles[0].contents);
}

async function bundleWorkflows({ source, target, interceptors = [] }) {
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(root, source),
    workflowInterceptorModules: interceptors.map((path) => join(root, path)),
    logger: new DefaultLogger('WARN'),
  });
  put(target, withoutSources(code));
}

async function bundleCommandLine({ source, target }) {
  const { build: bundleAll } = await import('esbuild');
  const { outputFiles } = await bundleAll({
    absWorkingDir: root,
    entryPoints: [source],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    // Commander is CommonJS: in a module its calls of `require` would not be found.
    format: 'cjs',
    logLevel: 'error',
  });
  put(target, outputFiles[0].contents, 0o777);
}

/** Each file is made by the one that its target asks for. */
function make(each) {
  if (each.target === commandLine) return bundleCommandLine(each);
  if (each.target.startsWith(`${assets}/`) && /\.(ts|css)$/.test(each.source)) return bundleForBrowsers(each);
  return [bundle, tracedBundle].includes(each.target) ? bundleWorkflows(each) : translate(each);
}

/**
 * The bundle's source map without the text of the sources: the map makes stack traces readable, the text would be kept in memory
 * several times by each worker.
 */
function withoutSources(code) {
  const [, script, map] = /^([^]*\/\/# sourceMappingURL=data:[^,]*;base64,)([\w+/=]+)\s*$/.exec(code);
  const { sourcesContent: _, ...rest } = JSON.parse(Buffer.from(map, 'base64').toString());
  return `${script}${Buffer.from(JSON.stringify(rest)).toString('base64')}\n`;
}

/** Brings `dist/` up to date; the bundle of workers that trace only where `traced`, for it takes seconds. Returns how many files were made. */
export async function build({ traced = true } = {}) {
  const built = readRecord();
  const isFresh = ({ target, hash }) => built[target] === hash && existsSync(join(dist, target));
  // One that is not fresh must go: it would be other workflows under the name of this build.
  const wanted = plan().filter((each) => traced || each.target !== tracedBundle || isFresh(each));
  const stale = wanted.filter((each) => !isFresh(each));
  await Promise.all(stale.map(make));
  const targets = new Set(wanted.map(({ target }) => target));
  const gone = Object.keys(built).filter((target) => !targets.has(target));
  for (const target of gone) for (const each of [target, `${target}.map`]) rmSync(join(dist, each), { force: true });
  if (stale.length > 0 || gone.length > 0)
    put('built.json', JSON.stringify(Object.fromEntries(wanted.map(({ target, hash }) => [target, hash]))));
  return stale.length;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const began = performance.now();
  const made = await build();
  console.log(`dist/ is up to date: ${made} files made in ${((performance.now() - began) / 1000).toFixed(1)} s`);
}
