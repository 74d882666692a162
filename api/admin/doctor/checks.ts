import { randomUUID } from 'node:crypto';
import { type Examined, type Finding, ill, well } from './finding.ts';

/** The doctor's checks of what is neither Temporal nor the provider. */

/** Whether PostgreSQL answers, and how soon. */
export async function checkDatabase({ store }: Examined): Promise<Finding> {
  const beganMs = performance.now();
  await store.ping();
  return well(`PostgreSQL answers in ${Math.ceil(performance.now() - beganMs)} ms.`);
}

/** Whether the schema is the one that this version was made for. */
export async function checkMigrations({ store, schemaFiles }: Examined): Promise<Finding> {
  const known = new Map(schemaFiles.map(({ name, sha256 }) => [name, sha256]));
  const applied = new Map((await store.listMigrations()).map(({ name, sha256 }) => [name, sha256]));
  const missing = [...known.keys()].filter((name) => !applied.has(name));
  const unknown = [...applied.keys()].filter((name) => !known.has(name));
  const others = [...known].filter(([name, sha256]) => applied.has(name) && applied.get(name) !== sha256);
  if (missing.length > 0) return ill(`Not applied: ${missing.join(', ')}. Run npm run migrate.`);
  if (unknown.length > 0) {
    return ill(`The database has ${unknown.join(', ')}, which this version does not know: run the newer version.`);
  }
  if (others.length > 0) {
    const names = others.map(([name]) => name).join(', ');
    return ill(`The database has another version of ${names}: run the newest version, and its npm run migrate.`);
  }
  return well(`The schema is up to date (${known.size} files).`);
}

/** Whether everybody has the rights that the migration gave, and nobody more. */
export async function checkRights({ store }: Examined): Promise<Finding> {
  const { beyond, missing } = await store.compareRights();
  if (beyond.length === 0 && missing.length === 0) return well('They are those that the migration gave.');
  const found = [
    ...(beyond.length > 0
      ? [`Given beside the migration, so take it back as the owner, and ask by whom: ${some(beyond)}`]
      : []),
    ...(missing.length > 0 ? [`Taken since the migration, so run it as the owner: ${some(missing)}`] : []),
  ];
  return ill(found.join(' '));
}

const NAMED = 5;

function some(lines: readonly string[]): string {
  const more = lines.length - NAMED;
  return `${lines.slice(0, NAMED).join(' ')}${more > 0 ? ` And ${more} more.` : ''}`;
}

const CLOCKS_MAY_DIFFER_MS = 5000;

/** Whether this process and the database agree on the time. */
export async function checkClock({ store }: Examined): Promise<Finding> {
  const beganMs = Date.now();
  const now = await store.readClock();
  // What the database said lies between the two.
  const differenceMs = now.getTime() - (beganMs + Date.now()) / 2;
  const seconds = (Math.abs(differenceMs) / 1000).toFixed(1);
  if (Math.abs(differenceMs) <= CLOCKS_MAY_DIFFER_MS)
    return well(`This process and the database differ by ${seconds} s.`);
  return ill(
    `The database's clock is ${seconds} s ${differenceMs > 0 ? 'ahead of' : 'behind'} this process's: set them by NTP. Holds go by the database's.`,
  );
}

const MOVEMENTS_COMPARED = 20;

/** Whether the accounts that moved last have what the journal says. */
export async function compareLedger({ ledger }: Examined): Promise<Finding> {
  const { accounts, differences } = await ledger.compareLatestAccounts(MOVEMENTS_COMPARED);
  if (differences === 0) return well(`The accounts of the latest movements (${accounts}) have what the journal says.`);
  return ill(
    `${differences} balances differ from the journal: run npm run ledger:verify, freeze the account, and keep the database as it is.`,
  );
}

/** Whether credits were given back because their outcome could not be recorded. */
export async function countEmergencies({ ledger }: Examined): Promise<Finding> {
  const count = await ledger.countEmergencyReleases();
  if (count === 0) return well('None in 24 hours.');
  return ill(
    `${count} in 24 hours: credits were given back because an outcome could not be recorded. See GET /admin/emergency_releases and the generations’ events.`,
  );
}

/** The reconciler settles them from then on, every five minutes: what is still there later has a fault. */
const OVERDUE_AFTER_MS = 20 * 60_000;

/** Whether holds are active long past their end, which only a fault of ours can do. */
export async function countOverdueHolds({ store }: Examined): Promise<Finding> {
  const holds = await store.countOverdue(OVERDUE_AFTER_MS);
  if (holds === 0) return well('No hold is active more than 20 minutes past its end.');
  return ill(
    `${holds > 1000 ? 'More than 1000' : holds} active more than 20 minutes past their end: a fault of ours keeps them from being settled, and their credits stay reserved. grep ALERT in the log, or the workflow’s details in Temporal Web, names the fault; mended, they settle by themselves.`,
  );
}

/** A copy takes seconds, and is tried again for as long as it takes. */
const UNARCHIVED_AFTER_MS = 3_600_000;

/** Whether charged videos are still without a copy: for a trouble of ours nothing is given back by itself (MR-59). */
export async function countUnarchivedVideos({ store }: Examined): Promise<Finding> {
  const videos = await store.countUnarchived(UNARCHIVED_AFTER_MS);
  if (videos === 0) return well('Every video that was charged more than an hour ago is archived.');
  return ill(
    `${videos > 1000 ? 'More than 1000' : videos} charged more than an hour ago and not archived: the last failure of their copies (activities archiveContent) in Temporal Web says why. A day of the provider’s own failures refunds them; settings, keys, a proxy or a full disk of ours must be mended.`,
  );
}

/** Whether new requests are taken: closed on purpose is well only as long as somebody knows. */
export async function checkSales({ ledger }: Examined): Promise<Finding> {
  const { open, reason, changedAt } = await ledger.getSales();
  if (open) return well('New requests are taken.');
  return ill(
    `Sales are closed since ${changedAt?.toISOString() ?? 'an unknown time'} (${reason ?? 'no reason given'}): open them by POST /admin/sales.`,
  );
}

/** Whether a content could be kept; what is written is removed again. */
export async function checkArchive({ archive }: Examined): Promise<Finding> {
  // A name of its own: of two writes to one, the first would fail.
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

/** Whether the providers’ webhooks are listened to; both are fine. */
export async function describeWebhooks({ providers }: Examined): Promise<Finding> {
  const sending = providers.all.filter(({ readWebhook }) => readWebhook !== null).map(({ name }) => name);
  if (sending.length === 0)
    return well('No secret of webhooks is set: none are taken, and videos are found by looking.');
  const silent = providers.all.length > sending.length ? ' The videos of the others are found by looking.' : '';
  return well(`The events of ${sending.join(', ')} are taken, and make us look sooner.${silent}`);
}
