import { Hono, type Context } from 'hono';
import { serveContent } from './content.ts';
import { ApiError, type Env } from './errors.ts';
import { endure, makesVideo, suffer } from './faults.ts';
import { phaseOf, toWire, type VideoRecord } from './lifecycle.ts';
import { createSchema, listSchema, parse, readBody, remixSchema } from './request.ts';
import { directivesOf, makeVideo, promptKey, type Simulation } from './simulation.ts';

/** The Videos API. */
export function videoRoutes(simulation: Simulation): Hono<Env> {
  const routes = new Hono<Env>();
  routes.post('/', async (c) => {
    const { prompt, model, seconds, size } = parse(createSchema, await readBody(c));
    return create(c, simulation, { prompt, model, seconds, size, remixed_from_video_id: null });
  });
  routes.post('/:id/remix', async (c) => {
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

type Asked = Pick<VideoRecord, 'prompt' | 'model' | 'seconds' | 'size' | 'remixed_from_video_id'>;

async function create(c: Context<Env>, simulation: Simulation, asked: Asked): Promise<Response> {
  const directives = directivesOf(asked.prompt);
  const key = promptKey(asked.prompt);
  simulation.store.increment(`creates/${key}`);
  const suffering = suffer(simulation.store, key, directives, 'create');
  const video = makesVideo(suffering.fault) ? makeVideo(simulation, { ...asked, directives }) : undefined;
  const suffered = await endure(c, suffering, directives);
  return suffered ?? c.json(video && toWire(video, simulation.now()));
}

async function retrieve(c: Context<Env>, simulation: Simulation, id: string): Promise<Response> {
  simulation.store.increment('retrieves');
  const { directives } = find(simulation, id);
  const suffered = await endure(c, suffer(simulation.store, id, directives, 'poll'), directives);
  return suffered ?? c.json(toWire(find(simulation, id), simulation.now()));
}

async function remove(c: Context<Env>, simulation: Simulation, id: string): Promise<Response> {
  const { directives } = find(simulation, id);
  const suffered = await endure(c, suffer(simulation.store, id, directives, 'delete'), directives);
  if (suffered !== undefined) return suffered;
  if (!phaseOf(find(simulation, id), simulation.now()).terminal) {
    throw new ApiError(409, 'video_not_terminal', 'Only a completed or failed video can be deleted.', 'video_id');
  }
  simulation.store.delete(id);
  return c.json({ id, object: 'video.deleted', deleted: true });
}

async function list(c: Context<Env>, simulation: Simulation): Promise<Response> {
  const { limit, order, after } = parse(listSchema, c.req.query());
  const all = order === 'asc' ? simulation.store.videos() : simulation.store.videos().reverse();
  const start = after === undefined ? 0 : all.findIndex((video) => video.id === after) + 1;
  if (after !== undefined && start === 0) {
    throw new ApiError(400, 'invalid_value', `Invalid value for 'after': no video has this id.`, 'after');
  }
  const page = all.slice(start, start + limit);
  for (const { id, directives } of page) {
    const suffered = await endure(c, suffer(simulation.store, id, directives, 'list'), directives);
    if (suffered !== undefined) return suffered;
  }
  return c.json({
    object: 'list',
    data: page.map((video) => toWire(video, simulation.now())),
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
    has_more: start + limit < all.length,
  });
}

function find({ store }: Simulation, id: string): VideoRecord {
  const video = store.video(id);
  if (video === undefined) throw new ApiError(404, 'not_found', `Video with id '${id}' not found.`, 'video_id');
  return video;
}

function findCompleted(simulation: Simulation, id: string): VideoRecord {
  const video = find(simulation, id);
  if (phaseOf(video, simulation.now()).completed) return video;
  throw new ApiError(
    400,
    'video_not_ready',
    'This needs a completed video; ask GET /v1/videos/{id} first.',
    'video_id',
  );
}
