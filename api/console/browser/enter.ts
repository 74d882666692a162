/** Sends the token that stands behind the # of a link, and takes it out of the address and the history first. */
export function enterByLink(): void {
  const form = document.querySelector<HTMLFormElement>('#enter');
  if (form === null) return;
  (form.elements.namedItem('token') as HTMLInputElement).value = location.hash.slice(1);
  history.replaceState(null, '', location.pathname);
  form.submit();
}
