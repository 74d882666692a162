/** Unix seconds as `2026-12-01 01:42:00Z`; nothing for null. */
export function moment(unixSeconds: number | null | undefined): string | null {
  return unixSeconds === null || unixSeconds === undefined
    ? null
    : isoMoment(new Date(unixSeconds * 1000).toISOString());
}

/** An ISO time in the same form, without parts of a second. */
export function isoMoment(iso: string): string {
  return iso.replace('T', ' ').replace(/(\.\d+)?Z$/, 'Z');
}

/** As `01:42`, or `1:01:42` from an hour on. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const two = (part: number) => String(part).padStart(2, '0');
  return `${hours > 0 ? `${hours}:` : ''}${two(minutes)}:${two(whole % 60)}`;
}
