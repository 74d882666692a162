import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** The groups of these in which a process runs. A zombie counts as ended. */
export function groupsLeft(groups: readonly number[]): number[] {
  const running = new Set(process.platform === 'linux' ? linuxGroups() : portableGroups());
  return groups.filter((group) => running.has(group));
}

function linuxGroups(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        // After the command name, which may hold anything: state, parent, group.
        const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return state === 'Z' ? [] : [Number(group)];
      } catch {
        return [];
      }
    });
}

function portableGroups(): number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pgid=,stat='], { encoding: 'utf8' }).trim().split('\n');
  return lines
    .map((line) => line.trim().split(/\s+/))
    .flatMap(([group, stat]) => (stat?.startsWith('Z') ? [] : [Number(group)]));
}
