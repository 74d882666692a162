import { spawn } from 'node:child_process';

/**
 * Should this process be killed, even by kill -9, what it started goes too: the guardian's input ends with us. Each line
 * of it is every process group that runs, so none that has ended can be taken for ours. A folder left behind goes last.
 */
const SCRIPT = `groups=
while read -r line; do groups=$line; done
for group in $groups; do kill -s KILL -- "-$group"; done
sleep 1; rm -rf "$1"`;

export interface Guardian {
  /** Told of the group that the part leads now; undefined: of none. */
  readonly note: (part: string, group: number | undefined) => void;
  /** Everything has ended: there is nothing left to guard. */
  readonly dismiss: () => void;
}

export function guard(folder: string): Guardian {
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'holdfast-chaos-guardian', folder], {
    detached: true,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.unref();
  child.stdin.on('error', () => undefined);
  const groups = new Map<string, number>();
  return {
    note: (part, group) => {
      if (group === undefined) groups.delete(part);
      else groups.set(part, group);
      child.stdin.write(`${[...groups.values()].join(' ')}\n`);
    },
    dismiss: () => {
      child.kill('SIGKILL');
    },
  };
}
