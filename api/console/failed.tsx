import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Env } from '../http/deps.ts';
import { ApiError, type handleError } from '../http/errors.ts';
import { PREFIX, Refused } from './forward.ts';
import { render } from './page.tsx';
import { Notice } from './parts.tsx';
import { kindOfSession } from './sessions.ts';

/** Pages for what went wrong. */

/** Without a session that holds, the page to sign in; else what the API says of the error. */
export function failedPage(handle: ReturnType<typeof handleError>) {
  return async (error: Error, c: Context<Env>): Promise<Response> => {
    // A program that makes a link reads no pages.
    if (c.req.header('authorization') !== undefined) return handle(error, c);
    const isRefused = error instanceof Refused || error instanceof ApiError;
    if (isRefused && error.status === 401) return c.redirect(`${PREFIX}/sign-in${signedInBefore(c)}`, 303);
    if (error instanceof Refused) return failed(c, error.status, error.message);
    const answer = handle(error, c);
    const { error: told } = (await answer.json()) as { error: { message: string } };
    return failed(c, answer.status as ContentfulStatusCode, told.message);
  };
}

/** A cookie without a session says that one has ended. */
function signedInBefore(c: Context<Env>): string {
  return kindOfSession(c) === undefined ? '' : '?ended';
}

export function notFoundPage(c: Context<Env>): Response | Promise<Response> {
  return failed(c, 404, 'There is no such page.');
}

function failed(c: Context<Env>, status: ContentfulStatusCode, message: string) {
  const title = status === 404 ? 'Not found' : 'That did not work';
  return render(
    c,
    {
      title,
      session: kindOfSession(c),
      children: (
        <div class="narrow">
          <h1>{title}</h1>
          <Notice tone="bad">{message}</Notice>
          <p>
            <a href="/">Back to the start</a>
          </p>
        </div>
      ),
    },
    status,
  );
}
