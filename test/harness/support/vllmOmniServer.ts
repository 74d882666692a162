import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { mp4 } from './mp4.ts';

/** What stands between the look and the answer to a DELETE. */
type Accident =
  /** The job finishes just before. */
  | 'finishes'
  /** The job is ended, and the reply is lost. */
  | 'reply lost'
  /** The task does not end in time: 409, and the job goes on. */
  | 'busy'
  /** Another replica answers. */
  | 'elsewhere';

interface Job {
  readonly id: string;
  readonly prompt: string;
  status: 'in_progress' | 'completed' | 'failed';
  hasFile: boolean;
}

/** As vLLM-Omni 0.30 speaks: jobs in memory that a test finishes, and a DELETE that ends unfinished ones. */
export async function startVllmOmniServer() {
  const jobs = new Map<string, Job>();
  const accidents = new Map<string, Accident>();
  const deletes: string[] = [];
  const finish = (job: Job, status: 'completed' | 'failed' = 'completed') =>
    Object.assign(job, { status, hasFile: status === 'completed' });

  async function create(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = (await buffer(request)).toString();
    const job: Job = {
      id: `video_gen_${randomUUID().replaceAll('-', '')}`,
      prompt: /name="prompt"\r\n\r\n([^]*?)\r\n--/.exec(form)?.[1] ?? '',
      status: 'in_progress',
      hasFile: false,
    };
    jobs.set(job.id, job);
    json(response, 200, shown(job));
  }

  function remove(job: Job | undefined, response: ServerResponse, id: string): void {
    deletes.push(id);
    const accident = accidents.get(id);
    if (job === undefined || accident === 'elsewhere') {
      json(response, 404, { detail: 'Video not found' });
      return;
    }
    if (accident === 'busy') {
      json(response, 409, { detail: 'Cancellation in progress. Please try again later.' });
      return;
    }
    if (accident === 'finishes') finish(job);
    jobs.delete(id);
    if (accident === 'reply lost') response.destroy();
    else json(response, 200, { id, deleted: true, object: 'video.deleted' });
  }

  const server = createServer((request, response) => {
    const { method = 'GET', url = '/' } = request;
    const [, , , id = '', content] = new URL(url, 'http://server').pathname.split('/');
    const job = jobs.get(id);
    if (method === 'POST') create(request, response).catch(() => response.destroy());
    else if (id === '') json(response, 200, { object: 'list', data: [...jobs.values()].map(shown), has_more: false });
    else if (method === 'DELETE') remove(job, response, id);
    else if (content !== undefined && job?.hasFile) response.writeHead(200, { 'content-type': 'video/mp4' }).end(FILE);
    else if (content !== undefined || job === undefined) json(response, 404, { detail: 'Video not found' });
    else json(response, 200, shown(job));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    jobs,
    accidents,
    deletes,
    finish,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export type VllmOmniServer = Awaited<ReturnType<typeof startVllmOmniServer>>;

const FILE = mp4(20_000);

const shown = ({ id, prompt, status }: Job) => ({
  ...{ id, object: 'video', status, prompt, model: 'sora-2', seconds: '4', size: '720x1280' },
  created_at: Math.floor(Date.now() / 1000),
});

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
