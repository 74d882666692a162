import { kindOf } from '../../../contracts/ids.ts';
import type { AccountDetails, AdminGeneration, AdminTimeline, Why } from '../../adminObjects.ts';
import type { AddCommand } from '../../command.ts';
import { Failure } from '../../failure.ts';
import type { Api } from '../../http/api.ts';
import type { Page, Statement } from '../../objects.ts';
import { pathOf } from '../ids.ts';
import { accountPath } from './ids.ts';
import { whyLines } from './whyLines.ts';

export const addWhy: AddCommand = (parent, acting) => {
  parent
    .command('why')
    .description('all about one video, script or thread: steps, ledger, workflow, provider')
    .argument('<id>', 'its id')
    .action(
      acting(async ({ api, output }, id: string) => {
        // Refuses what is no id.
        pathOf(id);
        output.print(await gather(api, id), (why, paint) => whyLines(why, paint, output.columns));
        return undefined;
      }),
    );
};

async function gather(api: Api, id: string): Promise<Why> {
  const kind = kindOf(id) === 'video' ? 'videos' : 'texts';
  const { data } = await api.get<Page<AdminGeneration>>(`/admin/${kind}`, { id });
  const [generation] = data;
  if (generation === undefined) throw new Failure(`No account has ${id}. Nothing was ever held for it.`);
  const account = accountPath(generation.account_id);
  const [timeline, transactions, details] = await Promise.all([
    api.get<AdminTimeline>(`${account}/${kind}/${id}/timeline`),
    api.get<Statement>(`${account}/transactions`, { generation_id: id, order: 'asc', limit: '100' }),
    api.get<AccountDetails>(account),
  ]);
  return { object: 'why', generation, timeline, transactions, account: details };
}
