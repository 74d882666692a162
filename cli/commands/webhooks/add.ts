import { Option } from 'commander';
import type { AddCommand } from '../../command.ts';
import { WEBHOOK_EVENTS } from '../../../contracts/webhooks.ts';
import type { WebhookEndpoint } from '../../objects.ts';
import { SecretFile } from '../../secretFile.ts';

type Created = WebhookEndpoint & { readonly secret: string | null };

interface Options {
  readonly secretFile: string;
  readonly events?: readonly string[];
}

export const addAdd: AddCommand = (parent, acting) => {
  parent
    .command('add')
    .description('send events to a URL; its secret goes to a file and is never printed')
    .argument('<url>', 'where to send them, by https')
    .requiredOption('--secret-file <file>', 'a new file for the secret that signs the events')
    .addOption(new Option('--events <event...>', 'only these events').choices(WEBHOOK_EVENTS))
    .action(
      acting(async ({ api, output }, url: string, { secretFile, events }: Options) => {
        const file = await SecretFile.open(secretFile);
        const request = { method: 'POST', path: '/v1/webhook_endpoints', body: { url, events } } as const;
        const { secret, ...endpoint } = await api.ask<Created>(request).catch(async (error: unknown) => {
          await file.discard();
          throw error;
        });
        const kept = await file.keep(secret, `holdfast webhooks delete ${endpoint.id}, then add it again.`);
        output.print(endpoint, ({ id }) => [`Added ${id}; its secret is in ${kept}.`]);
        return undefined;
      }),
    );
};
