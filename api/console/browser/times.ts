const SHORT = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const HOUR = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

/** Puts moments into the reader's own time zone; those of today without their date. */
export function localTimes(within: ParentNode): void {
  const today = new Date().toDateString();
  for (const time of within.querySelectorAll('time')) {
    const date = new Date(time.dateTime);
    time.textContent = (date.toDateString() === today ? HOUR : SHORT).format(date);
    time.title = time.dateTime;
  }
}
