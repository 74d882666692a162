import tab from '@bomb.sh/tab/commander';
import { Command } from 'commander';
import { actingIn } from './command.ts';
import { ACCOUNT_COMMANDS } from './commands/account/index.ts';
import { ADMIN_COMMANDS } from './commands/admin/index.ts';
import { TEXT_COMMANDS } from './commands/texts/index.ts';
import { VIDEO_COMMANDS } from './commands/videos/index.ts';
import { WEBHOOK_COMMANDS } from './commands/webhooks/index.ts';
import { oneLine } from './output/clean.ts';
import packageJson from './package.json' with { type: 'json' };
import type { World } from './world.ts';

const EXIT_CODES =
  'Exit codes: 0 done; 1 refused or failed, the message says what became of the credits; 2 wrong use; 3 the API was not reached; 130 stopped by Ctrl-C, the video goes on.';

export function createProgram(world: World): Command {
  const program = new Command('holdfast')
    .description('Paid AI video generation that never charges wrongly. A client of the HTTP API.')
    .version(packageJson.version)
    .option('--url <url>', 'the API (else HOLDFAST_URL, .holdfast/endpoints.json or a profile)')
    .option('--profile <name>', 'a profile of ~/.config/holdfast/profiles.json')
    .option('--json', 'print the API’s own objects as JSON')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', `\n${EXIT_CODES}`)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void world.stdout.write(text),
      writeErr: (text) => void world.stderr.write(text),
      outputError: (text, write) => write(`${oneLine(text)}\n`),
    });
  const acting = actingIn(world);
  const customers = [...VIDEO_COMMANDS, ...ACCOUNT_COMMANDS, ...TEXT_COMMANDS, ...WEBHOOK_COMMANDS];
  program.commandsGroup('For customers, with an API key:');
  for (const add of customers) add(program, acting);
  program.commandsGroup('For operators, with the admin key:');
  for (const add of ADMIN_COMMANDS) add(program, acting);
  program.commandsGroup('More:');
  tab(program);
  return program;
}
