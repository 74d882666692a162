import { type GenerationKind, isGenerationId, kindOf } from '../../contracts/ids.ts';
import type { Caller } from '../../store/index.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { type ApiError, notFound } from '../http/errors.ts';

/** `not_found` for an id that names nothing of the account. Its owner, and nobody else, is told that it was deleted (MR-89). */
export async function notThere(
  { store }: Pick<ApiDependencies, 'store'>,
  { accountId }: Caller,
  kind: GenerationKind,
  id: string,
): Promise<ApiError> {
  const events = isGenerationId(id) && kindOf(id) === kind ? await store.listEvents(accountId, id) : [];
  if (!events.some((event) => event.kind === 'deleted')) return notFound(`This ${kind}`);
  return notFound(
    `This ${kind}`,
    `It was deleted, and its charge or refund stands: GET /v1/${kind}s/${id}/timeline has its steps.`,
  );
}
