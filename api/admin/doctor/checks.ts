import { randomUUID } from 'node:crypto';
import type { ApiDependencies } from '../../http/deps.ts';

/** The result of a check; its message says what to do if it failed, and never contains a key, a prompt or a raw error. */
export interface Finding {
  readonly ok: boolean;
  readonly message: string;
}

export type Check = (deps: ApiDependencies) => Promise<Finding>;

const well = (message: string): Finding => ({ ok: true, message });
const ill = (message: string): Finding => ({ ok: false, message });

export async function checkDatabase({ store }: ApiDependencies): Promise<Finding> {
  const beganMs = performance.now();
  await store.ping();
  return well(`PostgreSQL answers in ${Math.ceil(performance.now() - beganMs)} ms.`);
}

/** Compares the schema with the one that this version was made for. */
export async function checkMigrations({ store, schemaFiles }: ApiDependencies): Promise<Finding> {
  const known = new Map(schemaFiles.map(({ name, sha256 }) => [name, sha256]));
  const applied = new Map((await store.listMigrations()).map(({ name, sha256 }) => [name, sha256]));
  const missing = [...known.keys()].filter((name) => !applied.has(name));
  const unknown = [...applied.keys()].filter((name) => !known.has(name));
  const others = [...known].filter(([name, sha256]) => applied.has(name) && applied.get(name) !== sha256);
  if (missing.length > 0) return ill(`Not applied: ${missing.join(', ')}. Run npm run migrate.`);
  if (unknown.length > 0) {
    return ill(`The database has ${unknown.join(', ')}, which this version does not know. Run the newer version.`);
  }
  if (others.length > 0) {
    const names = others.map(([name]) => name).join(', ');
    return ill(`The database has another version of ${names}. Run the newest version and its npm run migrate.`);
  }
  return well(`The schema is up to date (${known.size} files).`);
}

/** Compares the privileges with those that the migration granted. */
export async function checkRights({ store }: ApiDependencies): Promise<Finding> {
  const { beyond, missing } = await store.compareRights();
  if (beyond.length === 0 && missing.length === 0) return well('The privileges are those that the migration granted.');
  const found = [
    ...(beyond.length > 0
      ? [`Granted outside the migration. Revoke them as the owner, and find out who granted them: ${some(beyond)}`]
      : []),
    ...(missing.length > 0 ? [`Revoked since the migration. Run the migration as the owner: ${some(missing)}`] : []),
  ];
  return ill(found.join(' '));
}

const NAMED = 5;

function some(lines: readonly string[]): string {
  const more = lines.length - NAMED;
  return `${lines.slice(0, NAMED).join(' ')}${more > 0 ? ` And ${more} more.` : ''}`;
}

const CLOCKS_MAY_DIFFER_MS = 5000;

/** Compares the clocks of this process and the database. */
export async function checkClock({ store }: ApiDependencies): Promise<Finding> {
  const beganMs = Date.now();
  const now = await store.readClock();
  // The database read its clock between the two.
  const differenceMs = now.getTime() - (beganMs + Date.now()) / 2;
  const seconds = (Math.abs(differenceMs) / 1000).toFixed(1);
  if (Math.abs(differenceMs) <= CLOCKS_MAY_DIFFER_MS)
    return well(`The clocks of this process and the database differ by ${seconds} s.`);
  return ill(
    `The database's clock is ${seconds} s ${differenceMs > 0 ? 'ahead of' : 'behind'} this process's. Synchronize both by NTP; holds expire by the database's clock.`,
  );
}

const MOVEMENTS_COMPARED = 20;

/** Compares the balances of the accounts that moved last with the journal. */
export async function compareLedger({ ledger }: ApiDependencies): Promise<Finding> {
  const { accounts, differences } = await ledger.compareLatestAccounts(MOVEMENTS_COMPARED);
  if (differences === 0) return well(`The balances of the accounts that moved last (${accounts}) match the journal.`);
  return ill(
    `${differences} balances differ from the journal. Run npm run ledger:verify, freeze the account, and keep the database as it is.`,
  );
}

/** Counts the holds that were released because their outcome could not be recorded. */
export async function countEmergencies({ ledger }: ApiDependencies): Promise<Finding> {
  const count = await ledger.countEmergencyReleases();
  if (count === 0) return well('None in 24 hours.');
  return ill(
    `${count} in 24 hours: holds were released because their outcome could not be recorded. See GET /admin/emergency_releases and the generations’ events.`,
  );
}

/** Closed sales are a finding even if they were closed on purpose, so that nobody forgets to open them. */
export async function checkSales({ ledger }: ApiDependencies): Promise<Finding> {
  const { open, reason, changedAt } = await ledger.getSales();
  if (open) return well('Sales are open.');
  return ill(
    `Sales have been closed since ${changedAt?.toISOString() ?? 'an unknown time'} (${reason ?? 'no reason given'}). Open them with POST /admin/sales.`,
  );
}

/** Asks the provider for a list of videos. Its URL may be shown because it never contains credentials. */
export async function checkProvider({ provider }: ApiDependencies): Promise<Finding> {
  const answer = await provider.listVideos({ limit: 1 });
  if (answer.outcome === 'listed') return well(`The provider at ${provider.baseUrl} answers.`);
  if (answer.status === 401 || answer.status === 403) {
    return ill(`The provider at ${provider.baseUrl} rejects the key (${answer.status}). Check OPENAI_API_KEY.`);
  }
  if (answer.status === 404 || answer.status === 405 || answer.status === 501) {
    return well(
      `The provider at ${provider.baseUrl} answers, but cannot list videos (${answer.status}): if the reply to a submission is lost, its hold stays until it expires.`,
    );
  }
  return ill(`The provider at ${provider.baseUrl} does not answer as expected: ${answer.why}.`);
}

/** Writes one byte to the archive and removes it. */
export async function checkArchive({ archive }: ApiDependencies): Promise<Finding> {
  // A unique name, because of two concurrent writes to the same name one would fail.
  const group = `doctor_${randomUUID().replaceAll('-', '')}`;
  try {
    await archive.write(`${group}/probe`, probe(), { from: 0, bytes: 1 });
  } finally {
    await archive.remove(group);
  }
  return well('The archive can be written.');
}

async function* probe(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(1);
}

/** Reports whether the provider’s webhooks are configured; both are fine. */
export async function describeWebhooks({ webhookSecret }: ApiDependencies): Promise<Finding> {
  if (webhookSecret !== undefined)
    return well('OPENAI_WEBHOOK_SECRET is set: the provider’s events make Holdfast poll sooner.');
  return well('OPENAI_WEBHOOK_SECRET is not set: events are refused, and Holdfast learns of each outcome by polling.');
}
