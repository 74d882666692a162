import type { CrashPoint, CrashPointName } from '../contracts/crashPoints.ts';

/** For tests of recovery: kills this process, as `kill -9` does, the first time it comes to the named point. */
export function crashAt(point: CrashPointName | undefined): CrashPoint {
  return (name) => {
    if (name === point) process.kill(process.pid, 'SIGKILL');
  };
}
