import type { AddCommand } from '../../command.ts';
import { addCancel } from './cancel.ts';
import { addClaim } from './claim.ts';
import { addGenerate } from './generate.ts';
import { addList } from './list.ts';
import { addRemix } from './remix.ts';
import { addShow } from './show.ts';
import { addTimeline } from './timeline.ts';
import { addWatch } from './watch.ts';

export const VIDEO_COMMANDS: readonly AddCommand[] = [
  ...[addGenerate, addWatch, addList, addShow, addTimeline],
  ...[addCancel, addClaim, addRemix],
];
