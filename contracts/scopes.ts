/** What an API key may do. A key that was made without a list may do everything, also what is added later. */
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
