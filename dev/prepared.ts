import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * node dist/dev/prepared.js dist/api/main.js: loads all that this program imports, waits for input on stdin, and runs it.
 * So a part is loaded while the servers that it needs are starting. It ends if the stack dies meanwhile.
 */

const main = pathToFileURL(resolve(process.argv[2] ?? ''));
const input = new Promise<boolean>((resolve) => {
  process.stdin.once('data', () => resolve(true)).once('end', () => resolve(false));
});

/** The program itself must not run yet, so what its static imports name is imported one by one. */
async function loadImportsOf(program: URL): Promise<void> {
  const specifiers = [...readFileSync(program, 'utf8').matchAll(/^import .*["'](.+)["'];$/gm)].map(
    ([, name = '']) => name,
  );
  await Promise.all(specifiers.map((name) => import(name.startsWith('.') ? new URL(name, program).href : name)));
}

await loadImportsOf(main);
if (!(await input)) process.exit(1);
process.stdin.destroy();
await import(main.href);
