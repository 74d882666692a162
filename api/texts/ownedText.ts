import { TEXT_ID, type TextKind } from '../../contracts/ids.ts';
import type { Caller, Text } from '../../store/index.ts';
import { noteKnown } from '../generations/repeat.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { notThere } from '../generations/notThere.ts';

/** The account's script or thread with this id, undefined when it has none. Records that the client knows the id. */
export async function findNamedText(
  deps: ApiDependencies,
  caller: Caller,
  kind: TextKind,
  id: string,
): Promise<Text | undefined> {
  const text = TEXT_ID[kind].test(id) ? await deps.store.getText(caller.accountId, id) : undefined;
  if (text !== undefined) await noteKnown(deps, caller, text);
  return text;
}

/** Like `findNamedText`, but raises `not_found`. */
export async function findOwnedText(deps: ApiDependencies, caller: Caller, kind: TextKind, id: string): Promise<Text> {
  const text = await findNamedText(deps, caller, kind, id);
  if (text === undefined) throw await notThere(deps, caller, kind, id);
  return text;
}
