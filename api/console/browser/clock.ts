/** How long each open video has been under way. */
export function tickClocks(): void {
  const tick = () => {
    for (const clock of document.querySelectorAll<HTMLElement>('[data-since]')) {
      const seconds = Math.max(0, Math.floor(Date.now() / 1000 - Number(clock.dataset['since'])));
      const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
      if (clock.textContent !== text) clock.textContent = text;
    }
  };
  tick();
  setInterval(tick, 1000);
}
