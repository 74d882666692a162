import { CONTENT_VARIANTS } from '../../contracts/content.ts';
import type { Dialect } from './dialect.ts';

/** The format's own server. The simulator speaks it unless it is told to speak another. */
export const openai: Dialect = {
  name: 'openai',
  source: "openai 6.49.0 (npm): resources/videos.ts; OpenAI's API reference; dev/simulator",
  // Only the simulator. OpenAI's own API is gone, and gateways that mix several keys pass its headers on.
  isSentBy: (headers) => headers.get('server') === 'holdfast-simulator',
  create: { encoding: 'multipart', jsonReference: 'input_reference', imageLists: 'named' },
  list: { kind: 'authoritative', showsPrompts: true, query: {}, noneStatuses: [404, 405, 501] },
  failure: { fields: ['error'], codeIsStatus: false },
  content: { variants: CONTENT_VARIANTS, elsewhere: () => null },
  cancel: null,
  probe: 'list',
  webhooks: true,
};
