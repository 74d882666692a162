/** Finds the one element; null on pages that don't have it. */
export function find(selector: string, within: ParentNode = document): HTMLElement | null {
  return within.querySelector<HTMLElement>(selector);
}

/** Shows a text where it is announced. */
export function say(place: HTMLElement | null, text: string): void {
  if (place === null) return;
  place.textContent = text;
  place.hidden = text === '';
}
