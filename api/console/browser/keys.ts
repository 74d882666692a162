import { newKey } from './api.ts';

/**
 * The Idempotency-Key of a form. It comes with the page, so a second click sends the same request. It stays while nobody knows
 * what became of that; what is answered, or changed by the reader, is another request with another key.
 */
class FormKey {
  private sent: string | undefined;

  constructor(private readonly field: HTMLInputElement) {}

  for(body: object): string {
    const text = JSON.stringify(body);
    if (this.sent !== undefined && this.sent !== text) this.renew();
    this.sent = text;
    return this.field.value;
  }

  /** `status` is 0 or a server's error when the request may have been carried out. */
  answered(status: number): void {
    if (status !== 0 && status < 500 && status !== 409) this.renew();
  }

  private renew(): void {
    this.field.value = newKey();
    this.sent = undefined;
  }
}

export function keyOf(form: HTMLFormElement): FormKey {
  return new FormKey(form.elements.namedItem('idempotency_key') as HTMLInputElement);
}
