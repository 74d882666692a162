import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { runTool } from '../../../dev/processes.ts';
import { repository } from '../../../dev/state.ts';
import { openBrowser } from '../support/browser.ts';
import { startOwnStack } from '../support/ownStack.ts';
import { DESK, PHONE, PICTURES, type Picture } from './pictures.ts';
import { fillAccount, type Story } from './story.ts';

/**
 * `npm run docs:pictures`: pictures of the console for README and docs, of a stack of its own in which a customer has made some
 * videos. `-- --all FOLDER` makes every page in light and dark, at desk and phone width, to be looked at.
 */

/** What a page on GitHub may weigh. */
const MOST_BYTES = 150_000;

/** Plays the beginning of each video: one that was not loaded shows a wheel that turns. */
const SHOW_A_FRAME =
  '(async () => { for (const video of document.querySelectorAll("video")) { video.muted = true; await video.play(); video.pause(); } })()';

async function signIn(page: Page, key: string): Promise<void> {
  await page.goto('/console/sign-in');
  await page.getByLabel('Key').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
}

/** Writes the picture with 256 colours: a third of the bytes. Raises if there is no ffmpeg. */
async function reduceColours(from: string, to: string): Promise<void> {
  const args = [
    '-y',
    '-loglevel',
    'error',
    '-i',
    from,
    '-vf',
    'split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none',
    to,
  ];
  const { code, output } = await runTool('ffmpeg', args, { limitMs: 30_000 });
  if (code !== 0) throw new Error(`ffmpeg is needed to make pictures small: ${output}`);
  await rm(from);
}

/** Takes a picture in a browser of its own, and returns its size in bytes. */
async function take(browser: Browser, api: string, story: Story, picture: Picture, folder: string): Promise<number> {
  const { name, view, scheme, path, isOperators = false, ready, from } = picture;
  const context = await browser.newContext({ baseURL: api, viewport: view, colorScheme: scheme, locale: 'en-GB' });
  const page = await context.newPage();
  await signIn(page, isOperators ? story.adminKey : story.key);
  await page.goto(path(story));
  await page.locator(ready).first().waitFor();
  await page.waitForLoadState('networkidle');
  await page.evaluate(SHOW_A_FRAME);
  if (from !== undefined)
    await page.evaluate(`document.querySelector("${from}").scrollIntoView({ behavior: "instant" })`);
  const file = join(folder, `${name}.png`);
  const whole = join(folder, `${name}.whole.png`);
  await page.screenshot({ path: whole, animations: 'disabled' });
  await context.close();
  await reduceColours(whole, file);
  return (await stat(file)).size;
}

/** Every page in both colours and both widths. */
function everyView(): Picture[] {
  const schemes = ['light', 'dark'] as const;
  const pages = new Map(PICTURES.map((picture) => [picture.path, picture])).values();
  return [...pages].flatMap((picture) =>
    [DESK, PHONE].flatMap((view) =>
      schemes.map((scheme) => ({ ...picture, view, scheme, name: `${picture.name}-${view.width}-${scheme}` })),
    ),
  );
}

const { values } = parseArgs({ options: { all: { type: 'string' } } });
const folder = values.all ?? join(repository, 'docs', 'images');
const [stack, browser] = await Promise.all([
  startOwnStack({ SIMULATOR_VIDEO_SECONDS: '3', LOG_LEVEL: 'error' }),
  openBrowser(),
]);
try {
  await mkdir(folder, { recursive: true });
  const story = await fillAccount(stack);
  for (const picture of values.all === undefined ? PICTURES : everyView()) {
    const bytes = await take(browser, stack.endpoints.api, story, picture, folder);
    console.log(`${picture.name}.png: ${Math.ceil(bytes / 1000)} kB`);
    if (values.all === undefined && bytes > MOST_BYTES) throw new Error(`${picture.name}.png is larger than 150 kB`);
  }
} finally {
  await browser.close();
  await stack.stop();
}
