import { Option } from 'commander';
import { SCOPES } from '../../../contracts/scopes.ts';
import type { ShownKey } from '../../adminObjects.ts';
import type { AddCommand, Cli } from '../../command.ts';
import { SecretFile } from '../../secretFile.ts';
import { microcredits, unixTime, wholeNumber } from '../options.ts';
import { accountPath, keyPath } from './ids.ts';

interface Options {
  readonly keyFile: string;
  readonly scopes?: readonly string[];
  readonly expires?: string;
  readonly dailyLimit?: number;
  readonly monthlyLimit?: number;
  readonly requestsPerMinute?: string;
}

const KEY_FILE = 'a new file for the key, which only its owner can read; the key is never printed';

export const addCreateKey: AddCommand = (parent, acting) => {
  parent
    .command('create')
    .description('make a key; it goes to a file, once')
    .argument('<account>', 'the id of its account')
    .argument('<name>', 'what to call it')
    .requiredOption('--key-file <file>', KEY_FILE)
    .addOption(new Option('--scopes <scope...>', 'only these').choices(SCOPES))
    .option('--expires <time>', 'until when it is valid, like 2027-01-31', unixTime)
    .option('--daily-limit <credits>', 'the most that it may spend in a day', microcredits)
    .option('--monthly-limit <credits>', 'the most that it may spend in a month', microcredits)
    .option('--requests-per-minute <n>', 'the most that it may send', wholeNumber)
    .action(
      acting((cli, account: string, name: string, options: Options) => {
        const { scopes, expires, dailyLimit, monthlyLimit, requestsPerMinute } = options;
        const body = {
          ...{ name, scopes, expires_at: numberOf(expires), daily_limit_microcredits: dailyLimit },
          ...{ monthly_limit_microcredits: monthlyLimit, requests_per_minute: numberOf(requestsPerMinute) },
        };
        return make(cli, `${accountPath(account)}/keys`, body, options.keyFile);
      }),
    );
};

interface RotateOptions {
  readonly keyFile: string;
  readonly overlap?: string;
}

export const addRotateKey: AddCommand = (parent, acting) => {
  parent
    .command('rotate')
    .description('replace a key by a new one with the same settings')
    .argument('<account>', 'the id of its account')
    .argument('<key>', 'its id, never the key itself')
    .requiredOption('--key-file <file>', KEY_FILE)
    .option('--overlap <seconds>', 'how long the old one stays valid, else it ends at once', wholeNumber)
    .action(
      acting((cli, account: string, key: string, { keyFile, overlap }: RotateOptions) =>
        make(cli, `${keyPath(account, key)}/rotate`, { expires_in_seconds: numberOf(overlap) }, keyFile),
      ),
    );
};

async function make({ api, output }: Cli, path: string, body: object, keyFile: string): Promise<undefined> {
  const file = await SecretFile.open(keyFile);
  const made = await api.ask<ShownKey>({ method: 'POST', path, body }).catch(async (error: unknown) => {
    await file.discard();
    throw error;
  });
  const { key, ...shown } = made;
  const kept = await file.keep(key, `Rotate it: holdfast key rotate ${shown.account_id} ${shown.id} --key-file FILE`);
  output.print(shown, ({ id }) => [`Made ${id}; the key is in ${kept}.`]);
  return undefined;
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
