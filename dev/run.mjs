// node dev/run.mjs <program> [arguments]: brings `dist/` up to date, then runs this program of it, in this very process.
// Production runs `node dist/<program>.js` itself: nothing is left to build there.
import { build } from './build.mjs';

const [program, ...args] = process.argv.slice(2);
await build({ traced: program === 'worker/main' });
process.setSourceMapsEnabled(true);
const main = new URL(`../dist/${program}.js`, import.meta.url);
process.argv.splice(1, Infinity, main.pathname, ...args);
await import(main.href);
