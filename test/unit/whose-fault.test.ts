import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { expect, it } from 'vitest';
import { notConfigured } from '../../activities/transient.ts';
import { faultInWords, whoseFault } from '../../workflows/whoseFault.ts';

const failed = (cause: Error) =>
  new ActivityFailure('Activity task failed', 'lookAtVideo', '1', 'MAXIMUM_ATTEMPTS_REACHED', undefined, cause);

// MR-5
it('a provider that is not configured is a fault of ours, and the alert names it', () => {
  const error = failed(notConfigured('vllm@https://gone.example'));
  expect(whoseFault(error)).toBe('ours');
  expect(faultInWords(error)).toBe('The provider vllm@https://gone.example is not configured');
});

// MR-80
it('the message of any other fault of ours is not shown, because it could contain anything', () => {
  const words = faultInWords(
    failed(ApplicationFailure.create({ message: 'a secret prompt', type: 'LedgerUnavailable' })),
  );
  expect(words).toBe('the database or our own code failed (LedgerUnavailable)');
});
