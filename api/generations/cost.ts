import type { GenerationKind } from '../../contracts/ids.ts';
import { formatCredits } from '../../contracts/money.ts';

/** "This video costs 0.571429"; for a text, the most that it can cost. */
export function costOf(amountMicrocredits: number, kind: GenerationKind): string {
  return `This ${kind} costs ${kind === 'video' ? '' : 'up to '}${formatCredits(amountMicrocredits)}`;
}
