import { ActivityFailure } from '@temporalio/workflow';
import type { Booking } from '../contracts/activities.ts';
import { outbound } from './activities.ts';
import type { Ended } from './creditGuard.ts';
import { captured, keepHold, noLook } from './creditGuard.ts';
import type { Deadline } from './deadline.ts';
import { describe } from './describe.ts';
import { lookWithin } from './watch.ts';

/**
 * Pays for a video that completed after its refund: its content goes into our storage first, and only then is it charged.
 * What can't be had until the hold's hour is over is released (RULES, "Expiry and what comes after").
 */
export async function payForLateVideo(booking: Booking, providerVideoId: string, deadline: Deadline): Promise<Ended> {
  const { generationId } = booking;
  describe('Claimed: copying the late video to the archive; it is charged once it is there.');
  const look = await lookWithin({ generationId, providerVideoId }, deadline.leftMs());
  if (look?.verdict === 'completed' && (await copy(booking, deadline))) return captured();
  // The ledger knows if it is in our storage after all, and then charges it; else this waits for the hour.
  return keepHold({ until: noLook, lastLook: noLook });
}

async function copy(booking: Booking, deadline: Deadline): Promise<boolean> {
  try {
    const copying = outbound('copy the claimed video to the archive', deadline.leftMs());
    return (await copying.archiveContent(booking)).outcome === 'archived';
  } catch (error) {
    if (error instanceof ActivityFailure) return false;
    throw error;
  }
}
