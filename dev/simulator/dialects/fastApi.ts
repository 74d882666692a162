import { STATUS_CODES } from 'node:http';
import type { Answer, ApiError } from '../errors.ts';

/** An error as FastAPI tells it. */
export function tellDetail({ status, kind, message }: ApiError): Answer {
  return { status, body: { detail: kind === 'route' ? STATUS_CODES[status] : message } };
}
