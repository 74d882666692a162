import type { Cli } from '../command.ts';
import { EXIT, Failure } from '../failure.ts';
import { NotReachable } from '../http/refusal.ts';
import type { Video } from '../objects.ts';
import { download } from './download.ts';
import { followVideo } from './follow.ts';
import { ProgressDisplay } from './progressDisplay.ts';
import type { Target } from './target.ts';
import { findTypicalTime } from './typical.ts';
import { outcomeLines } from './videoWords.ts';

/** Waits for the video's end, prints it and downloads it to the target, if there is one. Returns the exit code. */
export async function waitFor(cli: Cli, video: Video, target: Target | undefined): Promise<number> {
  const { output, world } = cli;
  const ended = video.credits.state === 'held' ? await follow(cli, video) : video;
  world.whenStopped = () => undefined;
  output.print(ended, outcomeLines);
  if (ended.status !== 'completed') return EXIT.refused;
  if (target === undefined) {
    output.say(`Next: holdfast watch ${video.id} --out video.mp4`);
    return EXIT.done;
  }
  const bytes = await download(cli, ended, target);
  output.say(`Saved ${size(bytes)} to ${target.path}`);
  return EXIT.done;
}

function size(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

async function follow({ api, world }: Cli, video: Video): Promise<Video> {
  const typical = world.stderr.isTTY === true ? await findTypicalTime(api, video) : undefined;
  const display = new ProgressDisplay(world.stderr, video, typical);
  world.whenStopped = () => {
    display.stop();
    return `Stopped waiting. The video goes on, and is charged only if it completes: holdfast watch ${video.id}`;
  };
  display.start();
  try {
    return await followVideo(api, video, display);
  } catch (error) {
    const goesOn = `The video goes on, and is charged only if it completes: holdfast watch ${video.id}`;
    if (error instanceof NotReachable) throw new NotReachable(`${error.message} ${goesOn}`);
    throw error instanceof Failure ? new Failure(`${error.message} ${goesOn}`, error.exitCode) : error;
  } finally {
    display.stop();
  }
}
