/**
 * Ids of what outlives a request. A generation's id is also its Temporal workflow id and the key of its settlement (MR-44).
 */

/** `video_` + the 32 hex digits of a UUIDv7. */
export function videoId(uuid: string): string {
  return `video_${hex(uuid)}`;
}

/** A script is one text, a thread several posts. */
export type TextKind = 'script' | 'thread';

/** `script_` or `thread_` + the 32 hex digits of a UUIDv7. */
export function textId(kind: TextKind, uuid: string): string {
  return `${kind}_${hex(uuid)}`;
}

export function accountId(uuid: string): string {
  return `acct_${hex(uuid)}`;
}

export function apiKeyId(uuid: string): string {
  return `key_${hex(uuid)}`;
}

export function webhookEndpointId(uuid: string): string {
  return `we_${hex(uuid)}`;
}

export const EVENT_ID = /^evt_[0-9a-f]{32}$/;
export const VIDEO_ID = /^video_[0-9a-f]{32}$/;
export const TEXT_ID = { script: /^script_[0-9a-f]{32}$/, thread: /^thread_[0-9a-f]{32}$/ } as const;
export const ACCOUNT_ID = /^acct_[0-9a-f]{32}$/;
export const API_KEY_ID = /^key_[0-9a-f]{32}$/;

/** What a generation makes. */
export type GenerationKind = 'video' | TextKind;

/** The kind that the id begins with. */
export function kindOf(generationId: string): GenerationKind {
  return isVideoId(generationId) ? 'video' : TEXT_ID.script.test(generationId) ? 'script' : 'thread';
}

/** Whether the text has the form of a video's id; anything else is answered 404 without a query. */
export function isVideoId(text: string): boolean {
  return VIDEO_ID.test(text);
}

/** Whether the text has the form of a generation's id. */
export function isGenerationId(text: string): boolean {
  return isVideoId(text) || Object.values(TEXT_ID).some((pattern) => pattern.test(text));
}

export function isAccountId(text: string): boolean {
  return ACCOUNT_ID.test(text);
}

function hex(uuid: string): string {
  return uuid.replaceAll('-', '').toLowerCase();
}
