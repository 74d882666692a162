/** A provider as it is bound to generations: its name and an origin, `openai@https://host`. */
export interface Identified {
  readonly identity: string;
}

/** With how many requests a minute it may get; unset or null: any number. */
export interface Limited extends Identified {
  readonly requestsPerMinute?: number | null;
}

export function requestsPerMinuteOf(providers: readonly Limited[]): (number | null)[] {
  return providers.map(({ requestsPerMinute }) => requestsPerMinute ?? null);
}

export function identitiesOf(providers: readonly Identified[]): string[] {
  return providers.map(({ identity }) => identity);
}
