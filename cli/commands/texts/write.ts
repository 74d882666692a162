import { randomUUID } from 'node:crypto';
import { type Command, Option } from 'commander';
import type { Cli } from '../../command.ts';
import type { TextKind } from '../../../contracts/ids.ts';
import { EXIT } from '../../failure.ts';
import type { Quote, WrittenText } from '../../objects.ts';
import { followStream, waitForText } from '../../texts/followText.ts';
import { endingLines, textLines } from '../../texts/textWords.ts';
import { TextPrinter } from '../../texts/textPrinter.ts';
import { credits } from '../options.ts';
import { sendPaid } from '../paying.ts';
import { quoteLines } from '../quoteLines.ts';

export interface WriteOptions {
  readonly tone?: string;
  readonly model?: string;
  readonly maxCredits?: string;
  readonly dryRun?: boolean;
  readonly idempotencyKey?: string;
}

export function withWriteOptions(command: Command): Command {
  return command
    .option('--tone <tone>', 'how it sounds')
    .option('--model <model>', 'which model writes it')
    .addOption(new Option('--max-credits <credits>', 'refuse what could cost more than this').argParser(credits))
    .option('--dry-run', 'tell the most that it can cost; write nothing')
    .option('--idempotency-key <key>', 'your own key: however often it is sent, it is paid once (else a random one)');
}

/** Orders the text, prints it while it is written, and how it ended. Returns the exit code. */
export async function write(cli: Cli, kind: TextKind, asked: object, options: WriteOptions): Promise<number> {
  const { api, output, world } = cli;
  const { tone, model, maxCredits, dryRun = false, idempotencyKey = `cli-${randomUUID()}` } = options;
  const [path, body] = [`/v1/${kind}s`, { ...asked, tone, model, max_credits: maxCredits }];
  if (dryRun) {
    const quote = await api.ask<Quote>({ method: 'POST', path, body, query: { dry_run: 'true' }, idempotencyKey });
    output.print(quote, quoteLines);
    return quote.would_be_accepted ? EXIT.done : EXIT.refused;
  }
  const streamed = { path, body: { ...body, stream: true }, idempotencyKey, headers: { accept: 'text/event-stream' } };
  const answer = await sendPaid(cli, streamed, (request) => api.open(request));
  const printer = new TextPrinter((text) => output.raw(text), output.isJson);
  const seen = await followStream(answer, printer, (id) => {
    world.whenStopped = () =>
      `Stopped reading. It is written to its end, and its actual cost is charged: holdfast show ${id}`;
  });
  const text = seen.status === 'in_progress' ? await waitForText(api, seen) : seen;
  printEnd(cli, text, printer);
  return text.status === 'failed' ? EXIT.refused : EXIT.done;
}

function printEnd({ output, world }: Cli, text: WrittenText, printer: TextPrinter): void {
  world.whenStopped = () => undefined;
  printer.end();
  // What a broken stream did not show is shown whole.
  const isShown = printer.hasPrinted && text.output === printer.received;
  output.print(text, isShown ? endingLines : textLines);
}
