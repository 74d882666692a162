import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttemptOutcome, GenerationState, HoldState } from '../../../contracts/states.ts';
import type { VideoRecord } from '../../../dev/simulator/lifecycle.ts';
import { willComplete } from '../../../dev/simulator/lifecycle.ts';
import type { ProviderName } from './plan.ts';
import type { Site } from './site.ts';

/** The evidence for the checks: the database's rows, the provider's own data, and the status of each workflow in Temporal. */

export interface Happening {
  readonly kind: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly at_ms: number;
}

export interface Attempt {
  readonly number: number;
  /** Null: open. */
  readonly outcome: AttemptOutcome | null;
}

/** A generation, with its attempts and events in order. */
export interface Recorded {
  readonly id: string;
  readonly accountId: string;
  /** Null: erased, as of every request that was refused or given up before its hold. */
  readonly prompt: string | null;
  /** The released generation whose late video it pays for. */
  readonly claimOf: string | null;
  readonly model: string;
  /** The provider for which its offer was sold; null: the default one's. */
  readonly soldFor: string | null;
  /** The name of the provider to which its first create was sent. */
  readonly provider: string | null;
  readonly amount: number;
  /** Zero until it is charged. */
  readonly charged: number;
  readonly state: GenerationState;
  /** A hold can no longer be placed. */
  readonly tooLate: boolean;
  readonly reason: string | null;
  readonly code: string | null;
  /** As its provider itself calls it, however it spells that. */
  readonly video: string | null;
  readonly hold: HoldState | null;
  readonly expires_ms: number | null;
  readonly settled_ms: number | null;
  readonly attempts: readonly Attempt[];
  readonly events: readonly Happening[];
}

/** A video at the provider, known to us or not. */
export interface Made {
  readonly id: string;
  readonly provider: ProviderName;
  readonly model: string;
  readonly prompt: string;
  readonly created_ms: number;
  /** Null: never. */
  readonly ends_ms: number | null;
  readonly completes: boolean;
}

export interface Evidence {
  readonly generations: readonly Recorded[];
  readonly videos: readonly Made[];
  /** Submissions that each provider received, by the SHA-256 of their prompt. */
  readonly creates: Readonly<Record<ProviderName, ReadonlyMap<string, number>>>;
  /** The providers whose lists show all of their videos, and so prove that nothing was made. */
  readonly listsProve: ReadonlySet<ProviderName>;
  /** Ids of generations whose workflow runs. */
  readonly running: ReadonlySet<string>;
}

export async function gather(site: Site): Promise<Evidence> {
  const [generations, one, two, running] = await Promise.all([
    readGenerations(site),
    readProvider(site, 'provider-1'),
    readProvider(site, 'provider-2'),
    runningWorkflows(site),
  ]);
  const videos = [...one.videos, ...two.videos];
  const creates = { 'provider-1': one.creates, 'provider-2': two.creates };
  return { generations, videos, creates, listsProve: site.providers.listsProve, running };
}

const GENERATIONS = `SELECT g.id, g.account_id AS "accountId", i.prompt, g.claim_of AS "claimOf", g.model, g.provider_name AS "soldFor",
    split_part(g.provider, '@', 1) AS provider, g.amount_microcredits AS amount, COALESCE(g.charged_amount_microcredits, 0) AS charged, g.state, clock_timestamp() > g.admit_by AS "tooLate",
    g.settlement_reason AS reason, COALESCE(g.error_code, g.refusal_code) AS code, g.provider_canonical_id AS video, h.state AS hold,
    (extract(epoch FROM h.expires_at) * 1000)::float8 AS expires_ms, (extract(epoch FROM g.settled_at) * 1000)::float8 AS settled_ms,
    (SELECT COALESCE(json_agg(json_build_object('number', a.number, 'outcome', a.outcome) ORDER BY a.number), '[]')
      FROM provider_attempts a WHERE a.generation_id = g.id) AS attempts,
    (SELECT COALESCE(json_agg(json_build_object('kind', e.kind, 'data', e.data,
        'at_ms', (extract(epoch FROM e.recorded_at) * 1000)::float8) ORDER BY e.sequence), '[]')
      FROM generation_events e WHERE e.generation_id = g.id) AS events
  FROM generations g LEFT JOIN inputs i ON i.generation_id = g.id LEFT JOIN holds h ON h.generation_id = g.id ORDER BY g.id`;

async function readGenerations({ database }: Site): Promise<Recorded[]> {
  return (await database.query<Recorded>(GENERATIONS)).rows;
}

/** From its journal: its list would suffer the faults that prompts ask for. */
async function readProvider({ folder }: Site, provider: ProviderName) {
  const text = await readFile(join(folder, provider, 'journal.jsonl'), 'utf8');
  const entries = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { video?: VideoRecord; counter?: string; value?: number });
  const creates = new Map<string, number>();
  for (const { counter, value } of entries) {
    if (counter?.startsWith('creates/')) creates.set(counter.slice('creates/'.length), value ?? 0);
  }
  return { videos: entries.flatMap(({ video }) => (video === undefined ? [] : [madeOf(video, provider)])), creates };
}

function madeOf(video: VideoRecord, provider: ProviderName): Made {
  const { id, model, prompt, created_ms, duration_ms, directives } = video;
  return {
    id,
    provider,
    model,
    prompt,
    created_ms,
    ends_ms: directives.never ? null : created_ms + duration_ms,
    completes: !directives.never && willComplete(video),
  };
}

export async function runningWorkflows({ temporal }: Site): Promise<Set<string>> {
  const running = new Set<string>();
  const query = 'WorkflowType = "generateVideo" AND ExecutionStatus = "Running"';
  for await (const { workflowId } of temporal.workflow.list({ query })) {
    // The list lags behind; the workflow itself does not.
    const { status } = await temporal.workflow.getHandle(workflowId).describe();
    if (status.name === 'RUNNING') running.add(workflowId);
  }
  return running;
}
