import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { untilTerminal } from '../harness/support/answers.ts';
import { openBrowser } from '../harness/support/browser.ts';
import { expectWellMade, openPage, signInWith } from '../harness/support/consolePage.ts';
import { expectNoDrift, standings } from '../harness/support/generations.ts';
import { bendHold, loseVideo, reconcile, untilProviderEnds } from '../harness/support/reconciling.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { ADMIN_KEY, openAccount, startStack } from '../harness/support/stack.ts';

/** The console in a real browser: what a customer and an operator see, by mouse, by keyboard and on a phone. */

let stack: TestStack;
let browser: Browser;
let account: TestAccount;
let page: Page;
let faults: string[];

beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack(), openBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await expectNoDrift(stack);
  await stack.stop();
});

beforeEach(async () => {
  account = await openAccount(stack, 10_000_000);
  ({ page, faults } = await openPage(browser, stack.url));
});
afterEach(async () => {
  expect(faults).toEqual([]);
  await page.context().close();
});

const card = (text: string): Locator => page.locator('.card', { hasText: text });

async function order(prompt: string): Promise<void> {
  await page.getByLabel('Prompt').fill(prompt);
  await page.locator('#price .price-amount').waitFor();
  await page.getByRole('button', { name: 'Make the video' }).click();
}

describe('the studio', () => {
  it('shows a price, then the video as it is made, plays it in place and tells why it was charged', async () => {
    await signInWith(page, account.key);
    await expectWellMade(page);
    await page.locator('#price', { hasText: '0.571429 credits' }).waitFor();
    await order('a red fox [[after:2s]]');
    const made = card('a red fox');
    await made.getByText('0.571429 credits reserved').waitFor();
    await made.getByRole('progressbar').waitFor();
    await page.locator('#balance', { hasText: '9.428571 available' }).waitFor();
    await expectWellMade(page);
    await made.getByText('Completed', { exact: true }).waitFor();
    const played = '(async (video) => (await video.play(), video.duration))(document.querySelector("video"))';
    expect(await page.evaluate<number>(played)).toBeGreaterThan(0);
    await expectWellMade(page);
    const download = page.waitForEvent('download');
    await made.getByRole('link', { name: 'Download' }).click();
    expect((await download).suggestedFilename()).toMatch(/^video_.*\.mp4$/);
    await made.getByRole('link', { name: 'Why was I charged?' }).click();
    await page.getByText('Hold of 0.571429 credits placed').waitFor();
    await page.locator('.timeline li', { hasText: '0.571429 credits charged' }).waitFor();
    await expectWellMade(page);
  });

  it('says of a blocked video what the provider said, that the credits are back, and what to try next', async () => {
    await signInWith(page, account.key);
    await order('an ad for iqus e cigerrates');
    const failed = card('an ad for iqus');
    await failed.getByText('Video generation failed').waitFor();
    const told = (await failed.innerText()).replace(/\s+/g, ' ');
    expect(told).toContain('Video generation failed MODERATION_BLOCKED');
    expect(told).toContain('Your request was blocked by our moderation system.');
    expect(told).toContain('Credits have been refunded to your account 0.571429 credits');
    expect(told).toContain('Change the prompt and try again');
    expect(await account.credits()).toMatchObject({ available_microcredits: 10_000_000, held_microcredits: 0 });
    await page.locator('#balance', { hasText: '10.00 available' }).waitFor();
    await expectWellMade(page);
  });

  it('goes on through an outage of the provider: the credits stay reserved, and the video is there in the end', async () => {
    await signInWith(page, account.key);
    await order('a stork in a storm [[after:1s]] [[poll:reset*3]]');
    await card('a stork').getByText('0.571429 credits reserved').waitFor();
    await card('a stork').getByText('Completed', { exact: true }).waitFor();
    await card('a stork').getByText('0.571429 credits charged').waitFor();
  });

  it('pays once for a double click', async () => {
    await signInWith(page, account.key);
    await page.getByLabel('Prompt').fill('an otter, twice');
    await page.locator('#price .price-amount').waitFor();
    const keys: (string | undefined)[] = [];
    page.on('request', (request) => {
      if (request.method() === 'POST' && request.url().endsWith('/v1/videos'))
        keys.push(request.headers()['idempotency-key']);
    });
    await page.getByRole('button', { name: 'Make the video' }).dblclick();
    await card('an otter, twice').getByText('Completed', { exact: true }).waitFor();
    expect(keys).toEqual([expect.stringMatching(/./)]);
    expect(await page.locator('.card').count()).toBe(1);
    expect(await account.credits()).toMatchObject({ available_microcredits: 9_428_571 });
  });

  it('refuses what the credits do not cover before it is sent, and after', async () => {
    const poor = await openAccount(stack, 300_000);
    await signInWith(page, poor.key);
    await page.locator('#price', { hasText: '0.300000 are available' }).waitFor();
    await order('too dear');
    await page.locator('#refusal', { hasText: 'This video costs 0.571429 credits; 0.300000 are available' }).waitFor();
    expect(await page.locator('.card').count()).toBe(0);
    expect(faults.splice(0)).toEqual([expect.stringContaining('402')]);
    await expectWellMade(page);
  });

  it('shows a prompt that is full of markup as text', async () => {
    const prompt = '<img src=x onerror="document.title=1"><script>document.title=2</script>"\'</textarea>&amp;';
    await signInWith(page, account.key);
    await order(prompt);
    await card('onerror').getByText('Completed', { exact: true }).waitFor();
    expect(await card('onerror').locator('.prompt').innerText()).toBe(prompt);
    await page.reload();
    expect(await card('onerror').locator('.prompt').innerText()).toBe(prompt);
    await card('onerror').getByRole('link', { name: 'Why was I charged?' }).click();
    expect(await page.locator('h1').innerText()).toBe(prompt);
    expect(await page.locator('img, main script').count()).toBe(0);
  });

  it('cancels, and remixes at the price of the original', async () => {
    await signInWith(page, account.key);
    await order('a slow heron [[after:60s]]');
    await card('a slow heron').getByText('In progress', { exact: true }).first().waitFor();
    await card('a slow heron').getByRole('button', { name: 'Cancel' }).click();
    await card('a slow heron').getByText('Cancel requested', { exact: true }).first().waitFor();
    await order('a quick heron');
    await card('a quick heron').locator('summary').click();
    await card('a quick heron').getByLabel('What should change?').fill('now at night');
    await card('a quick heron').getByRole('button', { name: 'Remix' }).click();
    await card('now at night').getByText('Completed', { exact: true }).waitFor();
  });
});

describe('a video that is finished after its refund', () => {
  it('is offered with its price, claimed once, and played', async () => {
    const { id } = await loseVideo(stack, `a late lynx [[after:1s]]`, account);
    await bendHold(stack, id, -1);
    await stack.database.ledger.settleGeneration(id, 'expired');
    const [standing] = await standings(stack, [id]);
    await untilProviderEnds(stack, { providerVideoId: standing?.video ?? '' });
    await reconcile(stack);
    await signInWith(page, account.key);
    const late = card('Finished late');
    await late.getByText('You can still have it for 0.571429 credits until').waitFor();
    expect(await late.innerText()).toContain('GENERATION_TIMEOUT');
    await expectWellMade(page);
    await late.getByRole('button', { name: 'Claim the video' }).click();
    await page.locator('.card.done').waitFor();
    await late.getByRole('link', { name: 'another video' }).waitFor();
    expect(await account.credits()).toMatchObject({ available_microcredits: 9_428_571, held_microcredits: 0 });
  });
});

describe('a session in the browser', () => {
  it('ends with signing out, and another account’s video is not there', async () => {
    const other = await openAccount(stack, 10_000_000);
    const { id } = await other.client.videos.create({ prompt: 'not yours' });
    await signInWith(page, account.key);
    await page.goto(`/console/videos/${id}`);
    await page.getByRole('heading', { name: 'Not found' }).waitFor();
    expect(await page.content()).not.toContain('not yours');
    expect(faults.splice(0)).toEqual([expect.stringContaining('404')]);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await expectWellMade(page);
    await page.goto('/');
    expect(new URL(page.url()).pathname).toBe('/console/sign-in');
  });

  it('is opened by a link, whose token is neither sent in an address nor left in one', async () => {
    const { url } = (await (await account.fetch('/console/links', { method: 'POST' })).json()) as { url: string };
    const token = new URL(url).hash.slice(1);
    const addresses: string[] = [];
    page.on('request', (request) => addresses.push(request.url()));
    await page.goto(url);
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    expect(page.url()).toBe(`${stack.url}/`);
    // The browser itself never sends what stands behind the #.
    expect(addresses.filter((address) => address.split('#')[0]?.includes(token))).toEqual([]);
    await page.goBack();
    await page.waitForLoadState();
    expect(page.url()).not.toContain(token);
    faults.length = 0;
  });

  it('looks at a video without having its program’s retry pay again', async () => {
    const body = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"prompt":"a lost reply"}' };
    const first = (await (await account.fetch('/v1/videos', body)).json()) as { id: string };
    await signInWith(page, account.key);
    await page.goto(`/console/videos/${first.id}`);
    await page.getByRole('heading', { name: 'a lost reply' }).waitFor();
    const headers = { ...body.headers, 'x-stainless-retry-count': '1' };
    const retried = await account.fetch('/v1/videos', { ...body, headers });
    expect(retried.headers.get('idempotency-replayed')).toBe('true');
    expect(((await retried.json()) as { id: string }).id).toBe(first.id);
    await untilTerminal(account, first.id);
  });
});

describe('the other pages', () => {
  it('show the statement with its filters and totals, the spend by day, and the same as CSV', async () => {
    const { id } = await account.client.videos.create({ prompt: 'a fox to pay for' });
    await untilTerminal(account, id);
    await signInWith(page, account.key);
    await page.getByRole('link', { name: 'Credits' }).click();
    await page.locator('.chart canvas').waitFor();
    await page.getByRole('heading', { name: 'Spent in 30 days: 0.571429' }).waitFor();
    expect(await page.locator('tbody tr', { hasText: /Charged|Reserved|Credits added/ }).count()).toBe(3);
    await expectWellMade(page);
    const saved = page.waitForEvent('download');
    await page.getByRole('link', { name: 'CSV' }).click();
    expect((await saved).suggestedFilename()).toBe('statement.csv');
    await page.getByLabel('Kind').selectOption('Charged');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.locator('tbody tr', { hasText: 'Credits added' }).waitFor({ state: 'detached' });
    expect(await page.locator('[aria-label="Movements of credits"] tbody tr').count()).toBe(1);
    await page.getByLabel('To').fill('2020-01-01');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByText('No movements match.').waitFor();
  });

  it('write a script and show its words and its cost', async () => {
    await signInWith(page, account.key);
    await page.getByRole('link', { name: 'Scripts' }).click();
    await page.locator('#price .price-amount').waitFor();
    await page.getByLabel('Topic').fill('a fox in the snow');
    await page.getByRole('button', { name: 'Write it' }).click();
    await page.locator('.card', { hasText: 'credits charged' }).waitFor();
    await expectWellMade(page);
  });

  it('give an operator figures, the doctor, a search and a dry run, and no customer’s prompt', async () => {
    const { id } = await account.client.videos.create({ prompt: 'a private prompt' });
    await untilTerminal(account, id);
    await signInWith(page, ADMIN_KEY);
    await page.getByRole('heading', { name: /^Doctor/ }).waitFor();
    await page.getByRole('button', { name: 'Dry run' }).click();
    await page.getByText(/holds were looked at/).waitFor();
    await expectWellMade(page);
    await page.getByRole('searchbox').fill(id);
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByText('0.571429 credits charged').first().waitFor();
    expect(await page.getByRole('link', { name: 'Open in Temporal Web' }).getAttribute('href')).toContain(id);
    expect(await page.content()).not.toContain('a private prompt');
    await expectWellMade(page);
  });
});

describe('an operator', () => {
  it('finds an account by its name or its id, and grants it credits once for a double click', async () => {
    await signInWith(page, ADMIN_KEY);
    await page.getByRole('searchbox').fill('a custom');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('link', { name: 'a customer' }).first().waitFor();
    await page.getByRole('searchbox').fill(account.id);
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('heading', { name: 'a customer' }).waitFor();
    await expectWellMade(page);
    await page.getByLabel('Credits', { exact: true }).fill('2.5');
    await page.getByLabel(/^Reason/).fill('an apology');
    await page.getByRole('button', { name: 'Grant' }).dblclick();
    await page.locator('tbody tr', { hasText: 'an apology' }).waitFor();
    expect(await account.credits()).toMatchObject({ available_microcredits: 12_500_000 });
  });
});

describe('the console', () => {
  it('is used by keyboard alone', async () => {
    await page.goto('/');
    await page.keyboard.type(account.key);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.type('a hare by keyboard');
    for (let n = 0; n < 12; n += 1) {
      await page.keyboard.press('Tab');
      if ((await page.locator('#send:focus').count()) > 0) break;
    }
    await page.keyboard.press('Enter');
    await card('a hare by keyboard').getByText('Completed', { exact: true }).waitFor();
  });

  it('fits a phone, in the dark', async () => {
    await account.client.videos.create({ prompt: `a ${'very'.repeat(60)} long word` });
    const phone = await openPage(browser, stack.url, {
      viewport: { width: 360, height: 740 },
      colorScheme: 'dark',
      isMobile: true,
    });
    await signInWith(phone.page, account.key);
    for (const path of ['/', '/console/credits', '/console/texts']) {
      await phone.page.goto(path);
      await expectWellMade(phone.page);
    }
    expect(phone.faults).toEqual([]);
    await phone.page.context().close();
  });

  it('weighs at most 100 kB', async () => {
    await signInWith(page, account.key);
    const session = await page.context().newCDPSession(page);
    await session.send('Network.enable');
    await session.send('Network.setCacheDisabled', { cacheDisabled: true });
    let bytes = 0;
    session.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
    await page.goto('/console/credits', { waitUntil: 'networkidle' });
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(100_000);
  });
});
