/** What a key may be for. One that was made without a list is for all of it, also for what is added later. */
export const SCOPES = [
  'videos:read',
  'videos:write',
  'text:read',
  'text:write',
  'credits:read',
  'webhooks:read',
  'webhooks:write',
] as const;

export type Scope = (typeof SCOPES)[number];
