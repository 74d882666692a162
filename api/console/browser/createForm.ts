import { send } from './api.ts';
import { addCard, refreshBalance } from './cards.ts';
import { fieldsOf, fileAsUrl } from './fields.ts';
import { keyOf } from './keys.ts';
import { find, say } from './page.ts';
import { PriceTag } from './price.ts';

/** The form of the studio. */
export function createForm(): void {
  const form = document.querySelector<HTMLFormElement>('#create');
  if (form === null) return;
  const key = keyOf(form);
  const price = new PriceTag('charged only if it completes', () =>
    send('/v1/videos?dry_run=true', { body: { ...fieldsOf(form), prompt: 'a video' } }),
  );
  chooseModel(form);
  price.refresh();
  form.addEventListener('change', (event) => {
    const isModel = (event.target as HTMLElement).id === 'model';
    if (isModel) chooseModel(form);
    if ((event.target as HTMLElement).id !== 'prompt') price.refresh();
  });
  let isSending = false;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (isSending) return;
    isSending = true;
    void order(form, key).finally(() => {
      isSending = false;
      price.refresh();
    });
  });
}

/** The settings of the other models are not sent. */
function chooseModel(form: HTMLFormElement): void {
  const model = form.querySelector<HTMLSelectElement>('#model')?.value;
  for (const set of form.querySelectorAll<HTMLFieldSetElement>('fieldset[data-model]')) {
    set.hidden = set.disabled = set.dataset['model'] !== model;
  }
}

async function order(form: HTMLFormElement, key: ReturnType<typeof keyOf>): Promise<void> {
  const button = form.querySelector<HTMLButtonElement>('#send');
  const refusal = find('#refusal', form);
  if (button === null || refusal === null) return;
  refusal.hidden = true;
  button.setAttribute('aria-busy', 'true');
  const body = { ...fieldsOf(form), ...(await fileAsUrl(form)) };
  const answer = await send<{ id: string }>('/v1/videos', { body, key: key.for(body) });
  button.removeAttribute('aria-busy');
  key.answered(answer.ok ? 200 : answer.status);
  if (!answer.ok) {
    say(refusal, answer.message);
    return;
  }
  await addCard(answer.body.id);
  await refreshBalance();
}
