import type { Context } from 'hono';
import { html } from 'hono/html';
import type { Child } from 'hono/jsx';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Env } from '../http/deps.ts';
import { type Balance, BalanceLine } from './balance.tsx';
import { PREFIX } from './forward.ts';
import type { SessionKind } from './sessions.ts';

/** The frame of every page: head, navigation, balance. */

interface Frame {
  readonly title: string;
  /** Undefined: nobody is signed in. */
  readonly session?: SessionKind | undefined;
  readonly balance?: Balance | undefined;
  readonly children?: Child;
}

const PAGES: Record<SessionKind, readonly (readonly [string, string])[]> = {
  account: [
    ['/', 'Studio'],
    [`${PREFIX}/texts`, 'Scripts'],
    [`${PREFIX}/credits`, 'Credits'],
  ],
  operator: [[`${PREFIX}/operate`, 'Operate']],
};

export function render(c: Context<Env>, frame: Frame, status: ContentfulStatusCode = 200) {
  return c.html(html`<!doctype html>${(<Page {...frame} path={c.req.path} />)}`, status);
}

function Page({ title, session, balance, path, children }: Frame & { readonly path: string }) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{title} · Holdfast</title>
        <link rel="icon" href={`${PREFIX}/assets/icon.svg`} />
        <link rel="stylesheet" href={`${PREFIX}/assets/console.css`} />
        <script type="module" src={`${PREFIX}/assets/console.js`}></script>
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to content
        </a>
        <header class="top">
          <a class="brand" href={session === 'operator' ? `${PREFIX}/operate` : '/'}>
            <Mark />
            Holdfast
          </a>
          {session !== undefined && <Navigation session={session} path={path} />}
          {balance !== undefined && <BalanceLine balance={balance} />}
          {session !== undefined && <SignOut />}
        </header>
        <main id="main" tabindex={-1}>
          {children}
        </main>
        <p id="announcer" class="hidden" role="status"></p>
      </body>
    </html>
  );
}

/** A clip that is held. */
function Mark() {
  return (
    <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
      <rect x="2" y="2" width="20" height="20" rx="6" fill="currentColor" />
      <path d="M8 7v10M16 7v10M8 12h8" fill="none" class="mark-line" stroke-width="2.4" stroke-linecap="round" />
    </svg>
  );
}

const isAt = (path: string, href: string) => path === href || (href !== '/' && path.startsWith(`${href}/`));

function Navigation({ session, path }: { readonly session: SessionKind; readonly path: string }) {
  return (
    <nav aria-label="Pages">
      {PAGES[session].map(([href, name]) => (
        <a href={href} {...(isAt(path, href) ? { 'aria-current': 'page' } : {})}>
          {name}
        </a>
      ))}
    </nav>
  );
}

function SignOut() {
  return (
    <form method="post" action={`${PREFIX}/sign-out`} class="sign-out">
      <button class="plain">Sign out</button>
    </form>
  );
}
