/** A provider as it is bound to generations: its name and an origin, `openai@https://host`. */
export interface Identified {
  readonly identity: string;
}

export function identitiesOf(providers: readonly Identified[]): string[] {
  return providers.map(({ identity }) => identity);
}
