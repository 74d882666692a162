import type { AddCommand } from '../../command.ts';
import type { Page, WebhookEndpoint } from '../../objects.ts';
import { table } from '../../output/table.ts';
import { moment } from '../../output/time.ts';

export const addList: AddCommand = (parent, acting) => {
  parent
    .command('list')
    .description('your webhook endpoints')
    .action(
      acting(async ({ api, output }) => {
        const page = await api.get<Page<WebhookEndpoint>>('/v1/webhook_endpoints');
        output.print(page, ({ data }) => {
          if (data.length === 0) return ['No webhook endpoints.'];
          const rows = data.map(({ id, status, events, failing_since: failing, url }) => [
            ...[id, status, moment(failing), events.join(' '), url],
          ]);
          return table(['endpoint', 'status', 'failing since', 'events', 'url'], rows, output.columns);
        });
        return undefined;
      }),
    );
};
