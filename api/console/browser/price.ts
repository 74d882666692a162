import type { Answer } from './api.ts';
import { find } from './page.ts';

export interface Quote {
  readonly amount: string;
  readonly available_microcredits: number;
  readonly would_be_accepted: boolean;
  readonly error: { readonly message: string } | null;
}

const WAIT_MS = 200;

/** The price of what the form asks for, before it is sent. */
export class PriceTag {
  private readonly place = find('#price');
  private timer: number | undefined;
  private asked = 0;

  /** `promise` says when it is charged. */
  constructor(
    private readonly promise: string,
    private readonly quote: () => Promise<Answer<Quote>>,
  ) {}

  refresh(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.ask(), WAIT_MS);
  }

  private async ask(): Promise<void> {
    const mine = ++this.asked;
    const answer = await this.quote();
    // A later question has a later answer.
    if (mine !== this.asked || this.place === null) return;
    this.place.replaceChildren(
      ...(answer.ok ? shown(answer.body, this.promise) : [line('price-problem', answer.message)]),
    );
  }
}

function shown({ amount, error }: Quote, promise: string): Node[] {
  const price = line('price-amount', `${shortened(amount)} credits`);
  return error === null ? [price, line('quiet', promise)] : [price, line('price-problem', error.message)];
}

function line(name: string, text: string): HTMLElement {
  const element = document.createElement('span');
  element.className = name;
  element.textContent = text;
  return element;
}

function shortened(amount: string): string {
  return amount.replace(/(\.\d\d\d*?)0+$/, '$1');
}
