import { SearchTooBroad } from '../../store/index.ts';
import { ApiError } from '../http/errors.ts';

/** Raises a 400 for a search that was given up, which says what helps; raises any other error as it is. */
export function refuseTooBroad(what: 'generations' | 'accounts' | 'movements', advice: string) {
  return (error: unknown): never => {
    if (!(error instanceof SearchTooBroad)) throw error;
    const after = `This search was stopped after ${error.timeoutMs / 1000} s, because it reads too many ${what}.`;
    throw new ApiError('invalid_request', after, { advice });
  };
}

/** The advice for a search with too few filters. */
export const addFilter = (helpful: string) => `Add a filter that few of them match, such as ${helpful}.`;
