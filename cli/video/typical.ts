import type { Api } from '../http/api.ts';
import type { Page, Video } from '../objects.ts';
import { typicalTime } from '../output/progress.ts';

/** How long the account's last videos of this model and length took; undefined where too few are known. */
export async function findTypicalTime(api: Api, { model, seconds }: Video): Promise<string | undefined> {
  try {
    const { data } = await api.get<Page<Video>>('/v1/videos', { limit: '100' });
    const alike = data.filter((video) => video.model === model && video.seconds === seconds);
    return typicalTime(
      alike.flatMap(({ completed_at: completed, created_at: created }) =>
        completed === null ? [] : [completed - created],
      ),
    );
  } catch {
    // It only decorates a line.
    return undefined;
  }
}
