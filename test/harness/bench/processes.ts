import { readdirSync, readFileSync } from 'node:fs';

/** What a process and its descendants have used, from /proc; Linux only. */

const MS_PER_TICK = 10;
const BYTES_PER_PAGE = 4096;
const BYTES_PER_MEGABYTE = 1024 * 1024;

interface Stat {
  readonly parent: number;
  readonly cpuMs: number;
  readonly residentBytes: number;
}

/** The CPU time in milliseconds, including that of descendants that have ended and were waited for. */
export function cpuMsOf(pid: number): number {
  return treeOf(pid).reduce((sum, { cpuMs }) => sum + cpuMs, 0);
}

/** The resident memory in megabytes. Shared pages count for each process that has them. */
export function residentMegabytes(pid: number): number {
  return treeOf(pid).reduce((sum, { residentBytes }) => sum + residentBytes, 0) / BYTES_PER_MEGABYTE;
}

function treeOf(root: number): Stat[] {
  const stats = new Map<number, Stat>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? readStat(Number(name)) : undefined;
    if (stat !== undefined) stats.set(Number(name), stat);
  }
  const isOfTree = (pid: number): boolean => {
    const parent = stats.get(pid)?.parent;
    return pid === root || (parent !== undefined && isOfTree(parent));
  };
  return [...stats].filter(([pid]) => isOfTree(pid)).map(([, stat]) => stat);
}

/** Undefined when the process has ended. */
function readStat(pid: number): Stat | undefined {
  let line: string;
  try {
    line = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The name of the program, in parentheses, may contain spaces. The fields are numbered as in proc(5).
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const field = (number: number) => Number(fields[number - 3]);
  return {
    parent: field(4),
    cpuMs: (field(14) + field(15) + field(16) + field(17)) * MS_PER_TICK,
    residentBytes: field(24) * BYTES_PER_PAGE,
  };
}
