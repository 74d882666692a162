import { API_KEY_ID, isAccountId } from '../../../contracts/ids.ts';
import { wrongUse } from '../../failure.ts';

/** The path of this account. Raises wrong use for what is no account's id. */
export function accountPath(id: string): string {
  if (!isAccountId(id))
    throw wrongUse('The account must be named by its id, such as acct_01a2…: holdfast account list.');
  return `/admin/accounts/${id}`;
}

export function keyPath(account: string, key: string): string {
  if (!API_KEY_ID.test(key))
    throw wrongUse('The key must be named by its id, such as key_01a2…: holdfast key list ACCOUNT.');
  return `${accountPath(account)}/keys/${key}`;
}
