import { limitRate } from '../http/rateLimit.ts';
import { requireApiKey } from '../http/auth.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { handleError } from '../http/errors.ts';
import type { createBodyReader } from '../http/readBody.ts';
import { newRouter } from '../http/router.ts';
import { serveAsset } from './assets.ts';
import { balanceLine } from './balance.tsx';
import { creditsCsv, creditsPage } from './credits.tsx';
import type { ConsoleDependencies } from './deps.ts';
import { failedPage, notFoundPage } from './failed.tsx';
import { forward, PREFIX, type SessionApi } from './forward.ts';
import { guardData, guardPages, refuseOtherSites } from './guards.ts';
import { operatePage } from './operate.tsx';
import { searchPage } from './search.tsx';
import { enter, enterPage, leave, makeLink, signIn, signInPage } from './signIn.tsx';
import { requireSession } from './sessions.ts';
import { studioPage } from './studio.tsx';
import { textsPage } from './texts.tsx';
import { SignInTries } from './tries.ts';
import { operatorsAccountPage } from './operatorsAccount.tsx';
import { operatorsVideoPage } from './operatorsVideo.tsx';
import { videoCard, videoPage } from './video.tsx';

/** A key, or the token of a link, in a form. */
const FORM = { textBytes: 4096 };

/** The console: its pages, and the API for their script, behind a session. See docs/console.md. */
export function consoleRoutes(
  given: ApiDependencies,
  { forSessions, readBody }: { forSessions: SessionApi; readBody: ReturnType<typeof createBodyReader> },
) {
  const deps: ConsoleDependencies = { ...given, api: forSessions, tries: new SignInTries() };
  const router = newRouter();
  router.onError(failedPage(handleError(deps.log)));
  for (const path of ['/', `${PREFIX}/*`]) router.use(path, guardPages);
  router.get(`${PREFIX}/assets/:name`, serveAsset);
  // Here a key says who asks, and no cookie.
  router.post(`${PREFIX}/links`, requireApiKey(deps), limitRate(deps), makeLink(deps));
  router.use(`${PREFIX}/*`, refuseOtherSites);
  for (const resource of ['v1', 'admin']) {
    router.use(`${PREFIX}/${resource}/*`, guardData);
    router.all(`${PREFIX}/${resource}/*`, (c) => forward(forSessions, c));
  }

  const readForm = readBody(FORM, () => 'console');
  router.get(`${PREFIX}/sign-in`, signInPage);
  router.post(`${PREFIX}/sign-in`, readForm, signIn(deps));
  router.get(`${PREFIX}/enter`, enterPage);
  router.post(`${PREFIX}/enter`, readForm, enter(deps));
  router.post(`${PREFIX}/sign-out`, leave(deps));

  router.get('/', studioPage(deps));
  router.get(`${PREFIX}/videos/:id`, videoPage(deps));
  router.get(`${PREFIX}/videos/:id/card`, videoCard(deps));
  router.get(`${PREFIX}/credits`, requireSession(deps), creditsPage(deps));
  router.get(`${PREFIX}/credits.csv`, creditsCsv(deps));
  router.get(`${PREFIX}/balance`, balanceLine(deps));
  router.get(`${PREFIX}/texts`, textsPage(deps));
  router.get(`${PREFIX}/operate`, operatePage(deps));
  router.get(`${PREFIX}/operate/search`, searchPage(deps));
  router.get(`${PREFIX}/operate/accounts/:id`, operatorsAccountPage(deps));
  router.get(`${PREFIX}/operate/videos/:id`, operatorsVideoPage(deps));
  router.all(`${PREFIX}/*`, notFoundPage);
  return router;
}
