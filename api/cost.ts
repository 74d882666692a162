import { formatCredits } from '../contracts/money.ts';

/** What is made of a generation, as its client calls it. */
export type What = 'video' | 'script' | 'thread';

/** "This video costs 0.571429"; of a text, the most that it can come to. */
export function costOf(amountMicrocredits: number, what: What): string {
  return `This ${what} costs ${what === 'video' ? '' : 'up to '}${formatCredits(amountMicrocredits)}`;
}
