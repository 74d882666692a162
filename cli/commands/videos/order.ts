import { randomUUID } from 'node:crypto';
import { type Command, Option } from 'commander';
import type { Cli } from '../../command.ts';
import { EXIT } from '../../failure.ts';
import type { Quote, Video } from '../../objects.ts';
import { checkTarget } from '../../video/target.ts';
import { outcomeLines } from '../../video/videoWords.ts';
import { waitFor } from '../../video/waitFor.ts';
import { credits } from '../options.ts';
import { sendPaid } from '../paying.ts';
import { quoteLines } from '../quoteLines.ts';

export interface OrderOptions {
  readonly maxCredits?: string;
  readonly dryRun?: boolean;
  readonly wait: boolean;
  readonly out?: string;
  readonly force?: boolean;
  readonly idempotencyKey?: string;
}

/** What every command that pays for a video can be told. */
export function withOrderOptions(command: Command): Command {
  return command
    .addOption(new Option('--max-credits <credits>', 'refuse what costs more than this').argParser(credits))
    .option('--dry-run', 'tell the price and whether it would be accepted; make nothing')
    .option('--out <file>', 'download the video to this file')
    .option('--force', 'replace the file of --out if it exists')
    .option('--no-wait', 'return once the credits are held')
    .option('--idempotency-key <key>', 'your own key: however often it is sent, it is paid once (else a random one)');
}

/** Sends the order, waits for the video and downloads it, as the options say. Returns the exit code. */
export async function order(cli: Cli, path: string, body: object | FormData, options: OrderOptions): Promise<number> {
  const target = options.out === undefined ? undefined : await checkTarget(options.out, options.force === true);
  const idempotencyKey = options.idempotencyKey ?? `cli-${randomUUID()}`;
  if (options.dryRun === true) {
    const request = { method: 'POST', path, body, query: { dry_run: 'true' }, idempotencyKey } as const;
    const quote = await cli.api.ask<Quote>(request);
    cli.output.print(quote, quoteLines);
    return quote.would_be_accepted ? EXIT.done : EXIT.refused;
  }
  const video = await sendPaid(cli, { path, body, idempotencyKey }, (request) => cli.api.ask<Video>(request));
  if (options.wait) return waitFor(cli, video, target);
  cli.output.print(video, outcomeLines);
  cli.output.say(`Next: holdfast watch ${video.id}`);
  return EXIT.done;
}
