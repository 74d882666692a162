import { send } from './api.ts';
import { find } from './page.ts';

interface Report {
  readonly holds_checked: number;
  readonly acts: readonly { readonly generation_id: string; readonly action: string; readonly why: string }[];
}

/** The operator's dry run of the reconciler. */
export function reconcile(): void {
  const button = document.querySelector<HTMLButtonElement>('[data-act="dry-run"]');
  const report = find('#report');
  if (button === null || report === null) return;
  button.addEventListener('click', () => {
    button.disabled = true;
    report.textContent = 'Looking…';
    void send<Report>('/admin/reconcile', { body: { dry_run: true } }).then((answer) => {
      button.disabled = false;
      report.replaceChildren(...(answer.ok ? lines(answer.body) : [paragraph(answer.message)]));
    });
  });
}

function lines({ holds_checked: checked, acts }: Report): Node[] {
  const first = `${checked} holds were looked at; ${acts.length === 0 ? 'nothing is to be done' : `${acts.length} need something`}.`;
  return [first, ...acts.map(({ generation_id: id, action, why }) => `${id}: ${action}, because ${why}`)].map(
    paragraph,
  );
}

function paragraph(text: string): HTMLElement {
  const element = document.createElement('p');
  element.textContent = text;
  return element;
}
