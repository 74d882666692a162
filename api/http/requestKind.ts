/** Whether a request may hold credits, change something else, or only read. Its errors say that this did not happen. */
export type RequestKind = 'paying' | 'changing' | 'reading';

/** A test holds these to the routes that have a dry run. */
const PAYING = /^\/v1\/(videos(\/[^/]+\/(remix|claim))?|scripts|threads)$/;

export function kindOfRequest(method: string, path: string): RequestKind {
  if (method === 'GET' || method === 'HEAD') return 'reading';
  return method === 'POST' && PAYING.test(path) ? 'paying' : 'changing';
}
