import type { Asked } from './clients.ts';
import type { Evidence, Happening, Recorded } from './evidence.ts';
import { priceOf } from './sold.ts';
import { groupBy } from './tally.ts';
import type { Seen } from './watching.ts';

/** What must be true when everything has come to its end; each check answers with what is not. */

type Violations = string[];

/** Every accepted request has exactly one generation; what was refused has none that ever held credits. */
export function checkRequests(asked: readonly Asked[], { generations }: Evidence): Violations {
  const made = generations.filter(({ claimOf }) => claimOf === null);
  const byPrompt = groupBy(made, ({ prompt }) => prompt);
  const known = asked.flatMap((each) => checkRequest(each, byPrompt.get(each.request.prompt) ?? []));
  const prompts = new Set(asked.map(({ request }) => request.prompt));
  const strangers = made.filter(({ prompt }) => prompt !== null && !prompts.has(prompt));
  const erased = made.filter(({ prompt, hold }) => prompt === null && hold !== null);
  return [
    ...known,
    ...strangers.map(({ id, prompt }) => `${id} was asked for by nobody: ${prompt}`),
    ...erased.map(({ id }) => `${id} held credits, and what was asked for is gone`),
  ];
}

function checkRequest({ request, tenant, known, ids, complaints }: Asked, all: readonly Recorded[]): Violations {
  const name = `request ${request.number} (${request.manner} of ${tenant.name})`;
  const held = all.filter(({ hold }) => hold !== null);
  const heldIds = held.map(({ id }) => id);
  const wrong: Violations = complaints.map((complaint) => `${name}: ${complaint}`);
  if (held.length > 1) wrong.push(`${name} has ${held.length} generations that held credits: ${heldIds.join(', ')}`);
  const price = priceOf(request.model, request.seconds);
  for (const { id, model, amount } of held)
    if (model !== request.model || amount !== price)
      wrong.push(`${name}: ${id} holds ${amount} for ${model}, not ${price}`);
  for (const { id, accountId } of all)
    if (accountId !== tenant.accountId) wrong.push(`${name}: ${id} is another tenant's`);
  for (const id of ids) if (!heldIds.includes(id)) wrong.push(`${name} was told of ${id}, which holds nothing`);
  switch (known.outcome) {
    case 'accepted':
      if (held.length === 0) wrong.push(`${name} was accepted as ${known.id}, which never held anything`);
      break;
    case 'refused':
      if (held.length > 0)
        wrong.push(`${name} was refused with ${known.status}, but ${heldIds.join(', ')} held credits`);
      if (!isExpected(request.manner, known.status))
        wrong.push(`${name} was refused with ${known.status} ${known.code}`);
      break;
    case 'unavailable':
      if (held.length > 0) wrong.push(`${name} was told that nothing is held, but ${heldIds.join(', ')} held credits`);
      break;
    case 'unknown':
      break;
  }
  return wrong;
}

function isExpected(manner: string, status: number): boolean {
  return manner === 'badBody' ? status === 400 : status === 402;
}

/** Every generation is terminal, and so is its workflow. */
export function checkEnds({ generations, running }: Evidence): Violations {
  const open = generations.filter(
    // Nobody will ever ask for a hold any more, and the database would refuse one.
    ({ state, tooLate }) => state === 'held' || (state === 'requested' && !tooLate),
  );
  return [
    ...open.map(
      ({ id, state, events }) => `${id} is still ${state}, after ${events.map(({ kind }) => kind).join(', ')}`,
    ),
    ...[...running].map((id) => `the workflow of ${id} still runs`),
  ];
}

/** Charged exactly when `completed` was seen before; released only with the proof of its reason. */
export function checkSettlements({ generations }: Evidence): Violations {
  return generations.flatMap((generation) => {
    const wrong = whatIsWrong(generation);
    return wrong === null ? [] : [`${generation.id} is ${generation.state} (${generation.reason}), but ${wrong}`];
  });
}

function whatIsWrong(generation: Recorded): string | null {
  const { state, hold, events } = generation;
  const settlements = events.filter(({ kind }) => kind === 'charged' || kind === 'released');
  const before = events.slice(
    0,
    events.findIndex((event) => event === settlements[0]),
  );
  const saw = (verdict: string) => before.some(({ kind, data }) => kind === 'seen' && data['verdict'] === verdict);
  switch (state) {
    case 'charged':
      if (hold !== 'captured') return `its hold is ${hold}`;
      if (settlements.length !== 1 || settlements[0]?.kind !== 'charged')
        return `it was settled ${namesOf(settlements)}`;
      if (generation.charged !== generation.amount) return `${generation.charged} of ${generation.amount} was charged`;
      // What a claim pays for was seen by the generation that made it (checkClaims).
      return saw('completed') || generation.claimOf !== null ? null : 'completed was not seen before';
    case 'released':
      if (hold !== 'released') return `its hold is ${hold}`;
      if (settlements.length !== 1 || settlements[0]?.kind !== 'released')
        return `it was settled ${namesOf(settlements)}`;
      if (saw('completed')) return 'completed was seen before';
      return unproven(generation, before, saw('failed'));
    case 'held':
      return hold === 'active' && settlements.length === 0 ? null : `its hold is ${hold}`;
    default:
      return hold === null && settlements.length === 0 ? null : `its hold is ${hold}`;
  }
}

/** Each claim pays, once, for a video that was seen complete after its refund. */
export function checkClaims(seen: readonly Seen[], { generations }: Evidence): Violations {
  const byId = new Map(generations.map((generation) => [generation.id, generation]));
  const claims = generations.filter(
    ({ claimOf, state }) => claimOf !== null && state !== 'voided' && state !== 'refused',
  );
  const promised = seen.flatMap(({ claim }) =>
    claim === null || byId.get(claim)?.claimOf ? [] : [`there is no claim ${claim}`],
  );
  const paid = groupBy(
    claims.filter(({ state }) => state === 'charged'),
    ({ claimOf }) => claimOf ?? '',
  );
  const twice = [...paid]
    .filter(([, claiming]) => claiming.length > 1)
    .map(([id]) => `${id} was paid for twice by claims`);
  const unproven = claims.flatMap(({ id, claimOf }) => {
    const original = byId.get(claimOf ?? '');
    const late = original?.events.some(({ kind }) => kind === 'late_completion');
    return original?.state === 'released' && late ? [] : [`${id} claims ${claimOf}, which is no late video`];
  });
  return [...promised, ...twice, ...unproven];
}

function namesOf(events: readonly Happening[]): string {
  return events.map(({ kind }) => kind).join(', ') || 'never';
}

/** What each release needs (MR-2). Null when it is there. */
function unproven(generation: Recorded, before: readonly Happening[], failedSeen: boolean): string | null {
  const { reason, attempts, video, expires_ms, settled_ms } = generation;
  const mayHaveMade = attempts.filter(({ outcome }) => outcome !== 'not_made');
  switch (reason) {
    case 'provider_failed':
      return failedSeen ? null : 'failed was not seen before';
    case 'submission_refused':
      return attempts.some(({ outcome }) => outcome === 'refused') ? null : 'no create was refused';
    case 'cancelled':
      if (!before.some(({ kind }) => kind === 'cancel_requested')) return 'nobody cancelled';
      return video === null && attempts.every(({ outcome }) => outcome === 'not_made' || outcome === 'not_found')
        ? null
        : 'a video may have been made';
    case 'provider_unavailable':
      return video === null && attempts.every(({ outcome }) => outcome !== null) ? null : 'a video may have been made';
    case 'create_failed':
      return video === null && mayHaveMade.length >= 3 ? null : 'not every create was tried';
    case 'expired':
      if (failedSeen) return 'failed was seen before';
      return (settled_ms ?? 0) >= (expires_ms ?? Infinity) ? null : "its hold's time was not over";
    default:
      return 'that reason has no place here';
  }
}

/** What clients were shown as the end is the end. */
export function checkShown(asked: readonly Asked[], seen: readonly Seen[], { generations }: Evidence): Violations {
  // The wire says `refunded` of what was released.
  const states = new Map(generations.map(({ id, state }) => [id, state === 'released' ? 'refunded' : state]));
  return asked.flatMap(({ known }, index) => {
    const { shown = null, complaints = [] } = seen[index] ?? {};
    if (known.outcome !== 'accepted' || shown === null || states.get(known.id) === shown) return complaints;
    return [...complaints, `${known.id} was shown as ${shown}, and is ${states.get(known.id)}`];
  });
}
