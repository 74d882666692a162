import { setHandler } from '@temporalio/workflow';
import { PROVIDER_EVENT } from '../contracts/temporal.ts';

/** Set by the signal `providerEvent`, which means: look now (MR-4). It carries nothing. */
export class Nudge {
  pending = false;

  static listen(): Nudge {
    const nudge = new Nudge();
    setHandler(PROVIDER_EVENT, () => {
      nudge.pending = true;
    });
    return nudge;
  }
}
