import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';

export interface Failure {
  /** File and name of the test. */
  readonly test: string;
  readonly why: string;
}

/** The part of vitest's JSON report that is used here. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** The first failed test; undefined if none failed or there is no report. */
export async function firstFailure(file: string): Promise<Failure | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  for (const { name, status, message, assertionResults } of (JSON.parse(text) as Report).testResults) {
    const failed = assertionResults.find((result) => result.status === 'failed');
    if (failed !== undefined) {
      const test = [basename(name), ...failed.ancestorTitles, failed.title].join(' › ');
      return { test, why: firstLine(failed.failureMessages[0]) };
    }
    if (status === 'failed') return { test: `${basename(name)} › before its tests`, why: firstLine(message) };
  }
  return undefined;
}

function firstLine(text = ''): string {
  return text.split('\n', 1)[0] ?? '';
}
