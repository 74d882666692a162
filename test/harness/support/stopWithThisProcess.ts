import { spawn, type ChildProcess } from 'node:child_process';

/** When this process ends, even by kill -9, the child gets a SIGTERM: the watch's input ends with us. Returns what ends the watch. */
export function stopWithThisProcess(child: ChildProcess): () => void {
  const watch = spawn('/bin/sh', ['-c', 'read -r _; kill -TERM "$1"', 'holdfast-test-watch', String(child.pid)], {
    // So that a terminal's Ctrl-C does not end it before us.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watch.unref();
  return () => watch.kill('SIGKILL');
}
