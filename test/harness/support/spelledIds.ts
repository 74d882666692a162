/**
 * One video's id as LiteLLM 1.110 spells it at create, in its list, and when another deployment answers, all taken from its
 * `encode_video_id_with_provider`.
 */
export const SPELLINGS = {
  create: (upstream: string) => litellm('azure', 'sora-2', upstream, ';served_model:sora-2;deployment_id:7f3a'),
  list: (upstream: string) => litellm('openai', '', upstream),
  retrieve: (upstream: string) => litellm('azure', 'sora-2', upstream, ';deployment_id:c01d;requested_model:video'),
} as const;

export function litellm(provider: string, model: string, upstream: string, rest = ''): string {
  const told = `litellm:custom_llm_provider:${provider};model_id:${model};video_id:${upstream}${rest}`;
  return `video_${Buffer.from(told).toString('base64')}`;
}
