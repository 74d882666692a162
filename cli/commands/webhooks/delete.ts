import type { AddCommand } from '../../command.ts';

export const addDelete: AddCommand = (parent, acting) => {
  parent
    .command('delete')
    .description('send nothing more to an endpoint')
    .argument('<endpoint>', 'its id')
    .action(
      acting(async ({ api, output }, id: string) => {
        const path = `/v1/webhook_endpoints/${encodeURIComponent(id)}`;
        output.print(await api.ask<{ id: string }>({ method: 'DELETE', path }), (deleted) => [
          `Deleted ${deleted.id}.`,
        ]);
        return undefined;
      }),
    );
};
