import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from 'vitest';
import { openBrowser } from '../harness/support/browser.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { ADMIN_KEY, openAccount, startStack } from '../harness/support/stack.ts';

/** `/docs` in a real browser, as someone uses it who has just got a key. */

let stack: TestStack;
let account: TestAccount;
let browser: Browser;
let page: Page;
/** What went wrong in the page: errors in its console, and requests to anywhere else. */
let faults: string[];

beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack(), openBrowser()]);
  account = await openAccount(stack, 10_000_000);
});
afterAll(async () => {
  await browser.close();
  await stack.stop();
});

beforeEach(async () => {
  faults = [];
  page = await browser.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${stack.url}/`) && !request.url().startsWith('data:')) faults.push(request.url());
  });
  await page.goto(`${stack.url}/docs`);
  await operation('createVideo').waitFor();
});
afterEach(async () => {
  expect(faults).toEqual([]);
  await page.close();
});

const operation = (id: string) => page.locator(`.opblock[id$="-${id}"]`);
const group = (tag: string) => page.locator(`.opblock-tag[data-tag="${tag}"]`);

async function authorize(scheme: 'bearerAuth' | 'adminAuth', key: string): Promise<void> {
  await page.locator('.auth-wrapper button.authorize').click();
  const form = page.locator('.auth-container', { hasText: scheme });
  await form.locator('input').fill(key);
  await form.locator('button.authorize').click();
  await form.locator('button.btn-done').click();
}

async function open(block: Locator): Promise<Locator> {
  await block.locator('.opblock-summary-control').click();
  await block.locator('.try-out__btn').click();
  return block;
}

/** The status and the body of the answer to what the form sends as it stands. */
async function execute(block: Locator): Promise<{ status: number; body: Record<string, unknown> }> {
  const answered = page.waitForResponse((response) => !response.url().endsWith('/openapi.json'));
  await block.locator('button.execute').click();
  const answer = await answered;
  const shown = block.locator('.live-responses-table .response-col_status').nth(1);
  await shown.waitFor();
  expect(await shown.innerText()).toContain(String(answer.status()));
  return { status: answer.status(), body: (await answer.json()) as Record<string, unknown> };
}

describe('/docs in a browser', () => {
  it('creates a video when the first form is executed as it stands', async () => {
    await authorize('bearerAuth', account.key);
    const first = page.locator('.opblock').first();
    expect(await first.getAttribute('id')).toBe(await operation('createVideo').getAttribute('id'));
    expect(await execute(await open(first))).toMatchObject({
      status: 200,
      body: { object: 'video', status: 'queued', credits: { state: 'held' } },
    });
  });

  it('creates a video from the multipart form as it stands: what is empty is not sent', async () => {
    await authorize('bearerAuth', account.key);
    const block = await open(operation('createVideo'));
    await block.locator('select.content-type').first().selectOption('multipart/form-data');
    expect(await execute(block)).toMatchObject({ status: 200, body: { object: 'video' } });
  });

  it('keeps the groups of operators apart, closed until they are opened', async () => {
    const headings = page.locator('h2.tag-group');
    await headings.nth(1).waitFor();
    expect(await headings.allInnerTexts()).toEqual(['With an API key', 'For operators']);
    expect(await group('Videos').getAttribute('data-is-open')).toBe('true');
    const ofOperators = page.locator('.opblock-tag[data-tag^="Admin: "]');
    const areOpen = await ofOperators.evaluateAll((tags) => tags.map((tag) => tag.getAttribute('data-is-open')));
    expect(areOpen.length).toBeGreaterThan(3);
    expect(new Set(areOpen)).toEqual(new Set(['false']));
  });

  it('lists the accounts with the admin key', async () => {
    await authorize('adminAuth', ADMIN_KEY);
    await group('Admin: accounts').click();
    expect(await execute(await open(operation('listAccounts')))).toMatchObject({
      status: 200,
      body: { object: 'list' },
    });
  });
});
