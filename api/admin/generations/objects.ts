import { z } from '@hono/zod-openapi';
import type { OperatorsText, OperatorsVideo } from '../../../store/index.ts';
import { orNull, unixSecondsOrNull, unixTime } from '../../http/schemas.ts';
import { toText, WrittenText } from '../../texts/textObject.ts';
import { toVideo, Video } from '../../videos/videoObject.ts';
import { ADMIN_EXAMPLE } from '../examples.ts';

/**
 * A generation as an operator sees it: as its owner does, with what only concerns the operator. What the owner asked for and
 * what was written for them is not shown, because an operator needs neither to answer a question about credits. The provider's own message is, and it may quote the prompt.
 */

const ProviderError = z
  .object({ code: z.string().nullable(), message: z.string().nullable() })
  .openapi('ProviderError');

const ours = {
  account_id: z.string(),
  api_key_id: z.string(),
  provider: z.string().nullable(),
  provider_status: z.string().nullable(),
  provider_error: orNull(ProviderError).openapi({
    description: 'What the provider said of the video or else of the last attempt, in its own words.',
  }),
  settlement_reason: z.string().nullable(),
  workflow_id: z.string(),
  workflow_url: z
    .string()
    .nullable()
    .openapi({ description: 'Its page in Temporal Web; null without TEMPORAL_WEB_URL.' }),
  deleted_at: unixTime.nullable(),
};

export const AdminVideo = z
  .object({
    ...Video.omit({ prompt: true, parameters: true }).shape,
    ...ours,
    provider_video_id: z.string().nullable(),
    provider_id_contested_at: unixTime
      .nullable()
      .openapi({ description: 'Since when the provider has given this id to another video too.' }),
  })
  .openapi('AdminVideo', { example: ADMIN_EXAMPLE.video });

export const AdminText = z
  .object({ ...WrittenText.omit({ title: true, text: true, posts: true, output: true }).shape, ...ours })
  .openapi('AdminText', { example: ADMIN_EXAMPLE.text });

/** The address of a workflow's page in Temporal Web; null if that is not configured. */
export type LinkToWorkflow = (workflowId: string) => string | null;

export function toAdminVideo(video: OperatorsVideo, link: LinkToWorkflow): z.infer<typeof AdminVideo> {
  // A parameter may be text, as private as the prompt.
  const { prompt: _prompt, parameters: _parameters, ...shown } = toVideo(video);
  return {
    ...shown,
    ...toOurs(video, link),
    provider_video_id: video.idAtProvider,
    provider_id_contested_at: unixSecondsOrNull(video.contestedAt),
  };
}

export function toAdminText(text: OperatorsText, link: LinkToWorkflow): z.infer<typeof AdminText> {
  const { title: _title, text: _text, posts: _posts, output: _output, ...shown } = toText(text);
  return { ...shown, ...toOurs(text, link) };
}

function toOurs(generation: OperatorsVideo | OperatorsText, link: LinkToWorkflow) {
  const { providerErrorCode: code, providerErrorMessage: message } = generation;
  return {
    account_id: generation.accountId,
    api_key_id: generation.apiKeyId,
    provider: generation.provider,
    provider_status: generation.providerStatus,
    provider_error: code === null && message === null ? null : { code, message },
    settlement_reason: generation.settlementReason,
    // The id of a generation is the id of its workflow.
    workflow_id: generation.id,
    workflow_url: link(generation.id),
    deleted_at: unixSecondsOrNull(generation.deletedAt),
  };
}
