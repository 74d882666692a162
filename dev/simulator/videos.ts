import { Hono, type Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { serveContent } from './content.ts';
import { ApiError, noRoute, type Answer, type Env } from './errors.ts';
import { endure, makesVideo, suffer } from './faults.ts';
import { phaseOf, type Asked, type VideoRecord } from './lifecycle.ts';
import { listSchema, parse, readBody, remixSchema } from './request.ts';
import { directivesOf, makeVideo, promptKey, type Simulation } from './simulation.ts';

/** The Videos API. */
export function videoRoutes(simulation: Simulation): Hono<Env> {
  const routes = new Hono<Env>();
  routes.post('/', async (c) => {
    const { json, schema } = simulation.dialect.create;
    const { prompt, model, seconds, size } = parse(schema, json || !isJson(c) ? await readBody(c) : {});
    return create(c, simulation, { prompt, model, seconds, size, remixed_from_video_id: null });
  });
  routes.post('/:id/remix', async (c) => {
    if (!simulation.dialect.remix) throw noRoute(c.req);
    const { prompt } = parse(remixSchema, await readBody(c));
    const { id, model, seconds, size } = findCompleted(simulation, c.req.param('id'));
    return create(c, simulation, { prompt, model, seconds, size, remixed_from_video_id: id });
  });
  routes.get('/', (c) => list(c, simulation));
  routes.get('/:id', (c) => retrieve(c, simulation, c.req.param('id')));
  routes.delete('/:id', (c) => remove(c, simulation, c.req.param('id')));
  routes.get('/:id/content', (c) => serveContent(c, simulation, findCompleted(simulation, c.req.param('id'))));
  return routes;
}

type AskedFrom = Asked & Pick<VideoRecord, 'remixed_from_video_id'>;

async function create(c: Context<Env>, simulation: Simulation, asked: AskedFrom): Promise<Response> {
  const directives = directivesOf(asked.prompt);
  const key = promptKey(asked.prompt);
  simulation.store.increment(`creates/${key}`);
  const suffering = suffer(simulation.store, key, directives, 'create');
  const video = makesVideo(suffering.fault) ? makeVideo(simulation, { ...asked, directives }) : undefined;
  const suffered = await endure(c, suffering, directives);
  if (suffered !== undefined) return suffered;
  if (video === undefined) throw new Error('a submission that makes nothing was not answered');
  return tell(c, simulation.dialect.tellVideo(video, simulation.now(), 'create'));
}

async function retrieve(c: Context<Env>, simulation: Simulation, named: string): Promise<Response> {
  simulation.store.increment('retrieves');
  const { id, directives } = find(simulation, named);
  const suffered = await endure(c, suffer(simulation.store, id, directives, 'poll'), directives);
  return suffered ?? tell(c, simulation.dialect.tellVideo(find(simulation, named), simulation.now(), 'retrieve'));
}

async function remove(c: Context<Env>, simulation: Simulation, named: string): Promise<Response> {
  const { store, dialect, now } = simulation;
  if (dialect.delete === null) throw noRoute(c.req, 405);
  const { id, directives } = find(simulation, named);
  const suffered = await endure(c, suffer(simulation.store, id, directives, 'delete'), directives);
  if (suffered !== undefined) return suffered;
  const video = find(simulation, named);
  if (!phaseOf(video, now()).terminal) {
    if (dialect.delete === 'ended ones') {
      throw new ApiError(409, 'video_not_terminal', 'Only a completed or failed video can be deleted.', 'video_id');
    }
    if (dialect.delete === 'all, and aborts') store.increment('aborted');
  }
  store.delete(id);
  return c.json(dialect.tellDeleted(video, now()));
}

async function list(c: Context<Env>, simulation: Simulation): Promise<Response> {
  const { store, dialect, now } = simulation;
  const query = c.req.query();
  dialect.list.check(query);
  const { limit, order, after } = parse(listSchema, dialect.list.pages ? query : {});
  const all = order === 'asc' ? store.videos() : store.videos().reverse();
  const start = after === undefined ? 0 : placeAfter(all, after, dialect.list.afterUnknown);
  const page = all.slice(start, start + limit);
  for (const { id, directives } of page) {
    const suffered = await endure(c, suffer(store, id, directives, 'list'), directives);
    if (suffered !== undefined) return suffered;
  }
  const data = page.map((video) => dialect.tellVideo(video, now(), 'list').body);
  return c.json({
    object: 'list',
    data,
    first_id: data[0]?.['id'] ?? null,
    last_id: data.at(-1)?.['id'] ?? null,
    has_more: start + limit < all.length,
  });
}

function placeAfter(all: VideoRecord[], after: string, unknown: 'error' | 'nothing'): number {
  const place = all.findIndex((video) => video.id === after) + 1;
  if (place > 0) return place;
  if (unknown === 'nothing') return all.length;
  throw new ApiError(400, 'invalid_value', `Invalid value for 'after': no video has this id.`, 'after');
}

function find({ store, dialect }: Simulation, named: string): VideoRecord {
  const video = store.video(dialect.readId(named));
  if (video === undefined) throw new ApiError(404, 'not_found', `Video with id '${named}' not found.`, 'video_id');
  return video;
}

function findCompleted(simulation: Simulation, id: string): VideoRecord {
  const video = find(simulation, id);
  const phase = phaseOf(video, simulation.now());
  if (phase.completed) return video;
  throw simulation.dialect.content.notReady(phase);
}

function tell(c: Context<Env>, { status, body }: Answer): Response {
  return c.json(body, status as ContentfulStatusCode);
}

function isJson(c: Context<Env>): boolean {
  return (c.req.header('content-type') ?? '').startsWith('application/json');
}
