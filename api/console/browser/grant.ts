import { parseCredits } from '../../../contracts/money.ts';
import { send } from './api.ts';
import { fieldsOf } from './fields.ts';
import { keyOf } from './keys.ts';
import { find, say } from './page.ts';

/** The operator's form that grants credits, or with a minus takes them back. */
export function grantForm(): void {
  const form = document.querySelector<HTMLFormElement>('#grant');
  if (form === null) return;
  const key = keyOf(form);
  let isSending = false;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (isSending) return;
    isSending = true;
    void grant(form, key).finally(() => (isSending = false));
  });
}

async function grant(form: HTMLFormElement, key: ReturnType<typeof keyOf>): Promise<void> {
  const { amount, reason } = fieldsOf(form);
  const digits = String(amount);
  const microcredits = parseCredits(digits.replace('-', ''));
  const body = { amount_microcredits: digits.startsWith('-') ? -microcredits : microcredits, reason };
  const path = `/admin/accounts/${form.dataset['account']}/grants`;
  const answer = await send<object>(path, { body, key: key.for(body) });
  key.answered(answer.ok ? 200 : answer.status);
  if (answer.ok) location.reload();
  else say(find('[data-said]', form), answer.message);
}
