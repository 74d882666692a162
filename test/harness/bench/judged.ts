/** A figure beside its limit: `1.87 (≤ 1.3: no)`. */
export function judged(value: number, most: number, digits = 0): string {
  return `${value.toFixed(digits)} (≤ ${Number(most.toFixed(2))}: ${value <= most ? 'yes' : 'no'})`;
}

/** The same where more is better: `0.91 (≥ 0.8: yes)`. */
export function judgedAtLeast(value: number, least: number, digits = 0): string {
  return `${value.toFixed(digits)} (≥ ${Number(least.toFixed(2))}: ${value >= least ? 'yes' : 'no'})`;
}
