import { SearchTooBroad } from '../../store/index.ts';
import { ApiError } from '../http/errors.ts';

/** Raises a 400 for a search that was given up, which names filters that help; raises any other error as it is. */
export function refuseTooBroad(helpful: string) {
  return (error: unknown): never => {
    if (!(error instanceof SearchTooBroad)) throw error;
    const after = `This search was stopped after ${error.timeoutMs / 1000} s, because it reads too many generations.`;
    throw new ApiError('invalid_request', after, {
      advice: `Add a filter that few of them match, such as ${helpful}.`,
    });
  };
}
