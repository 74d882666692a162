import type { z } from '@hono/zod-openapi';
import { formatCredits } from '../../contracts/money.ts';
import type { AccountStanding } from '../admin/accounts/objects.ts';
import type { AdminVideo } from '../admin/generations/objects.ts';
import type { ConsoleDependencies, Handler } from './deps.ts';
import { ask, PREFIX } from './forward.ts';
import { OperatorsVideos } from './operatorsVideos.tsx';
import { render } from './page.tsx';
import { Amount } from './parts.tsx';

interface List<Item> {
  readonly data: readonly Item[];
}
type Account = z.infer<typeof AccountStanding>;
type Video = z.infer<typeof AdminVideo>;

/** An operator's search, by an id of a video, an account or the provider, or by a part of an account's name. */
export function searchPage({ api }: ConsoleDependencies): Handler {
  return async (c) => {
    const wanted = (c.req.query('q') ?? '').trim();
    if (/^acct_[0-9a-f]{32}$/.test(wanted)) return c.redirect(`${PREFIX}/operate/accounts/${wanted}`, 303);
    if (/^video_[0-9a-f]{32}$/.test(wanted)) {
      const { data } = await ask<List<Video>>(api, c, `/admin/videos?id=${wanted}`);
      if (data[0] !== undefined) return c.redirect(`${PREFIX}/operate/videos/${wanted}`, 303);
    }
    // A provider may give ids that look like ours.
    const query = (name: string) => new URLSearchParams({ [name]: wanted, limit: '50' }).toString();
    const [accounts, videos] =
      wanted === ''
        ? [[], []]
        : await Promise.all([
            ask<List<Account>>(api, c, `/admin/accounts?${query('name')}`).then(({ data }) => data),
            ask<List<Video>>(api, c, `/admin/videos?${query('provider_video_id')}`).then(({ data }) => data),
          ]);
    const children = (
      <div class="operate">
        <h1>Search</h1>
        <Search wanted={wanted} />
        {accounts.length > 0 && <Accounts accounts={accounts} />}
        {videos.length > 0 && <OperatorsVideos videos={videos} />}
        {accounts.length + videos.length === 0 && <p class="quiet">Nothing was found.</p>}
      </div>
    );
    return render(c, { title: 'Search', session: 'operator', children });
  };
}

export function Search({ wanted = '' }: { readonly wanted?: string }) {
  return (
    <form class="filters" method="get" action={`${PREFIX}/operate/search`} role="search">
      <label class="wide">
        Id of a video or an account, provider’s id, or an account’s name
        <input type="search" name="q" value={wanted} />
      </label>
      <button>Search</button>
    </form>
  );
}

function Accounts({ accounts }: { readonly accounts: readonly Account[] }) {
  return (
    <ul class="plain-list">
      {accounts.map((account) => (
        <li>
          <a href={`${PREFIX}/operate/accounts/${account.id}`}>{account.name}</a>{' '}
          <span class="quiet">
            <Amount credits={formatCredits(account.available_microcredits)} /> available
            {account.frozen_at !== null && ', frozen'}
          </span>
        </li>
      ))}
    </ul>
  );
}
