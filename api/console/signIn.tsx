import type { Context } from 'hono';
import type { Env } from '../http/deps.ts';
import { callerOf, isAdminKey, noApiKey, sha256 } from '../http/auth.ts';
import { ApiError } from '../http/errors.ts';
import { limitRate } from '../http/rateLimit.ts';
import type { ConsoleDependencies, Handler } from './deps.ts';
import { PREFIX } from './forward.ts';
import { render } from './page.tsx';
import { Notice } from './parts.tsx';
import * as sessions from './sessions.ts';

/** Signing in by a key or by a link, and out again. */

export const signInPage: Handler = async (c) =>
  form(c, c.req.query('ended') === undefined ? undefined : 'Your session has ended.');

/** Exchanges the key of the form for a session. */
export function signIn(deps: ConsoleDependencies): Handler {
  const limit = limitRate(deps);
  return async (c) => {
    const key = (await field(c, 'key')).trim();
    const found = await deps.store.findCaller(sha256(key));
    try {
      if (found.standing === 'unknown') {
        // What may be a guess at the admin key: API keys can't be guessed.
        deps.tries.take(c);
        if (!isAdminKey(deps.adminKey, key)) throw noApiKey('This key is unknown.');
        await sessions.signInAsOperator(deps, c);
        return c.redirect(`${PREFIX}/operate`, 303);
      }
      const caller = callerOf(found);
      c.set('caller', caller);
      await limit(c as Context<Env, string>, async () => undefined);
      await sessions.signInAsAccount(deps, c, caller.apiKeyId);
      return c.redirect('/', 303);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      for (const [name, value] of Object.entries(error.details.headers ?? {})) c.header(name, value);
      return form(c, error.message, error.status);
    }
  };
}

/** The address has the token behind its #, which no server and no log sees; the script sends it as this form. */
export const enterPage: Handler = async (c) =>
  render(c, {
    title: 'Signing in',
    children: (
      <div class="narrow">
        <h1>Signing in…</h1>
        <form method="post" action={`${PREFIX}/enter`} id="enter">
          <input type="hidden" name="token" />
        </form>
        <noscript>
          This link needs JavaScript. <a href={`${PREFIX}/sign-in`}>Sign in with a key</a> instead.
        </noscript>
      </div>
    ),
  });

export function enter(deps: ConsoleDependencies): Handler {
  return async (c) => {
    if (await sessions.enter(deps, c, await field(c, 'token'))) return c.redirect('/', 303);
    return form(c, 'This link was used before, or is too old. Sign in with a key instead.', 401);
  };
}

export function leave(deps: ConsoleDependencies): Handler {
  return async (c) => {
    await sessions.signOut(deps, c);
    return c.redirect(`${PREFIX}/sign-in`, 303);
  };
}

/** For a program that has a key: the address of a page that is signed in as the key's account, once. */
export function makeLink(deps: ConsoleDependencies): Handler {
  return async (c) => {
    const token = await sessions.newLinkToken(deps, c.get('caller').apiKeyId);
    return c.json({ url: new URL(`${PREFIX}/enter#${token}`, c.req.url).href }, 200);
  };
}

async function field(c: Context<Env>, name: string): Promise<string> {
  return new URLSearchParams(await c.req.text()).get(name) ?? '';
}

function form(c: Context<Env>, problem: string | undefined, status: 200 | ApiError['status'] = 200) {
  return render(
    c,
    {
      title: 'Sign in',
      children: (
        <div class="narrow sign-in">
          <h1>Sign in</h1>
          <p class="quiet">With the API key of your account, or as an operator with the admin key.</p>
          {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
          <form method="post" action={`${PREFIX}/sign-in`} class="stack">
            <label>
              Key
              <input type="password" name="key" required autocomplete="current-password" autofocus />
            </label>
            <button class="primary">Sign in</button>
          </form>
          <p class="quiet small">
            The key is exchanged for a session of twelve hours and is not kept in the browser. The session ends when the
            key does.
          </p>
        </div>
      ),
    },
    status,
  );
}
