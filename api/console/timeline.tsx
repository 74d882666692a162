import { Time } from './parts.tsx';

interface Step {
  readonly sequence: number;
  readonly at: string;
  readonly type: string;
  readonly message: string;
}

/** The steps that move credits stand out. */
const MOVES = ['held', 'charged', 'refunded', 'credits_refunded', 'released'];

/** Every step of a generation, in words. */
export function TimelineList({ steps }: { readonly steps: readonly Step[] }) {
  return (
    <ol class="timeline">
      {steps.map(({ at, type, message }) => (
        <li class={MOVES.includes(type) ? 'moves' : ''}>
          <Time at={at} />
          <span>{message}</span>
        </li>
      ))}
    </ol>
  );
}
