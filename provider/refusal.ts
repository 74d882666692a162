import type { SortedError } from './errors.ts';
import type { CreateRefusal } from './types.ts';

export function createRefusal({ fault, code, message, why, retryAfterMs }: SortedError): CreateRefusal {
  switch (fault) {
    case 'clients_fault':
      return { outcome: fault, code, message };
    case 'ambiguous':
      return { outcome: fault, why };
    case 'operators_fault':
    case 'not_sent':
    case 'not_made':
      return { outcome: fault, why, message, retryAfterMs };
  }
}
