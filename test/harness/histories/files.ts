import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { WorkflowHandle } from '@temporalio/client';

/** Recorded histories: one file for each path of a workflow, in a folder for each version of Holdfast. */

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;

export interface Recorded {
  /** The version and the path: `0.3.0/video captured`. */
  readonly name: string;
  readonly workflowId: string;
  readonly history: History;
}

const folder = new URL('../../replay/', import.meta.url);
const ENDING = '.json.gz';

export const folderOf = (version: string) => new URL(`${version}/`, folder);

interface Kept {
  readonly workflowId: string;
  readonly history: unknown;
}

export async function keepHistory(version: string, path: string, workflowId: string, history: History): Promise<void> {
  await mkdir(folderOf(version), { recursive: true });
  const kept: Kept = { workflowId, history: toPlain(history) };
  await writeFile(new URL(`${path}${ENDING}`, folderOf(version)), gzipSync(JSON.stringify(kept), { level: 9 }));
}

export async function readHistories(): Promise<Recorded[]> {
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith(ENDING));
  const read = await Promise.all(
    files.map(async (file) => {
      const kept = JSON.parse(gunzipSync(await readFile(new URL(file, folder))).toString()) as Kept;
      return {
        name: file.slice(0, -ENDING.length),
        workflowId: kept.workflowId,
        history: fromPlain(kept.history) as History,
      };
    }),
  );
  return read.toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

/** As JSON can hold it. The SDK's own translation (`historyToJSON`) fails in 1.24: it knows another copy of protobufjs. */
function toPlain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString('base64') };
  if ('toNumber' in value && typeof value.toNumber === 'function') return (value.toNumber as () => number)();
  if (Array.isArray(value)) return value.map(toPlain);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, toPlain(each)]));
}

function fromPlain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(fromPlain);
  if ('base64' in value && typeof value.base64 === 'string') return Buffer.from(value.base64, 'base64');
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fromPlain(each)]));
}
