import { send } from './api.ts';
import { fieldsOf } from './fields.ts';
import { keyOf } from './keys.ts';
import { find, say } from './page.ts';
import { PriceTag } from './price.ts';
import { readEvents } from './textStream.ts';

/** The form for scripts and threads. */
export function writeForm(): void {
  const form = document.querySelector<HTMLFormElement>('#write');
  if (form === null) return;
  const key = keyOf(form);
  const price = new PriceTag('at most; only what is written is charged', () => {
    const { kind, body } = requestOf(form);
    return send(`/v1/${kind}?dry_run=true`, { body: { ...body, topic: body['topic'] ?? 'a topic' } });
  });
  chooseKind(form);
  price.refresh();
  form.addEventListener('change', () => {
    chooseKind(form);
    price.refresh();
  });
  let isSending = false;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (isSending) return;
    isSending = true;
    void write(form, key).finally(() => (isSending = false));
  });
}

function chooseKind(form: HTMLFormElement): void {
  const { kind } = requestOf(form);
  for (const part of form.querySelectorAll<HTMLElement>('[data-of]')) {
    const isOther = part.dataset['of'] !== kind;
    part.hidden = isOther;
    for (const field of part.querySelectorAll<HTMLInputElement>('input, select')) field.disabled = isOther;
  }
}

function requestOf(form: HTMLFormElement) {
  const { kind, posts, ...rest } = fieldsOf(form);
  const body: Record<string, unknown> = { ...rest, ...(posts !== undefined && { posts: Number(posts) }) };
  return { kind: String(kind), body };
}

async function write(form: HTMLFormElement, key: ReturnType<typeof keyOf>): Promise<void> {
  const refusal = find('#refusal', form);
  const card = find('#writing');
  const written = card && find('[data-written]', card);
  if (card === null || written === null) return;
  say(refusal, '');
  const { kind, body } = requestOf(form);
  const headers = { 'content-type': 'application/json', 'idempotency-key': key.for({ kind, ...body }) };
  const sent = fetch(`/console/v1/${kind}`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ ...body, stream: true }),
  });
  const response = await sent.catch(() => undefined);
  key.answered(response?.status ?? 0);
  if (response?.ok !== true || response.body === null) {
    const told = (await response?.json().catch(() => undefined)) as { error?: { message: string } } | undefined;
    say(refusal, told?.error?.message ?? 'Holdfast could not be reached. Try again: it is never paid twice.');
    return;
  }
  card.hidden = false;
  written.textContent = '';
  let raw = '';
  for await (const { type, delta = '', output = '' } of readEvents(response.body)) {
    raw = type === 'created' ? output : raw + delta;
    written.textContent = withoutForm(raw);
    if (type === 'completed' || type === 'failed' || type === 'error') location.reload();
  }
}

/** What is written so far is JSON that is not finished: its words alone are shown. */
function withoutForm(json: string): string {
  return json
    .replace(/"(title|text|posts)"\s*:/g, '')
    .replace(/[{}[\]"]/g, '')
    .replaceAll('\\n', '\n')
    .replace(/^[\s,]+/, '');
}
