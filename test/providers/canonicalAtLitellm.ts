/** The id of the upstream's video, which LiteLLM hides in its own. */
export function canonicalAtLitellm(id: string): string {
  const hidden = Buffer.from(id.replace(/^video_/, ''), 'base64').toString();
  return /;video_id:([^;]+)/.exec(hidden)?.[1] ?? id;
}
