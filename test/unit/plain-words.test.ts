import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainCode, plainWords } from '../../provider/index.ts';

const CONTENT = 'The provider’s content policy does not allow this request.';
const INPUT = 'The provider can’t make this from what was asked for.';
const FAILED = 'The provider could not make this.';

describe('why a generation failed, in words for its customer', () => {
  it.each(['insufficient_quota', 'invalid_api_key', 'model_not_found'])(
    'says nothing of what the operator owes, whatever was told: %s',
    (code) => {
      expect(plainWords(code, 'A plain sentence.')).toBe(FAILED);
      expect(plainCode(code)).toBe('generation_failed');
      expect(plainCode('moderation_blocked')).toBe('moderation_blocked');
    },
  );

  it.each([
    'Your request was blocked by our moderation system.',
    'height must be a multiple of 16',
    "Invalid value: '3'. Supported values are: '4', '8', and '12'.",
    'It was not finished in time.',
    'The provider refused the request (HTTP 422).',
    'The image shows acts of terror.',
    'An aspect ratio of 9:16 needs 8 seconds.',
    '提示词包含敏感内容',
  ])('is what the provider said, where that is plain: %s', (told) => {
    expect(plainWords('any', told)).toBe(told);
  });

  it.each([
    [
      'litellm.BadRequestError: OpenAIException - The prompt is too long.. Received Model Group=video Available Model Group Fallbacks=None',
      'The prompt is too long.',
    ],
    ['litellm.ContentPolicyViolationError: AzureException - Blocked by our policy.', 'Blocked by our policy.'],
    ['BadRequestError: The image is too small.', 'The image is too small.'],
  ])('is without what a gateway wraps around it: %s', (told, plain) => {
    expect(plainWords('400', told)).toBe(plain);
  });

  it.each([
    ['litellm.BadRequestError: no healthy deployments for this model group: video'],
    ['/videos: Invalid model name passed in model=sora. Call `/v1/models` to view available models for your key.'],
    ['litellm.APIConnectionError: Cannot connect to host vllm-7.internal:8000'],
    ['CUDA out of memory. Tried to allocate 2.00 GiB'],
    ['Traceback (most recent call last): File "/opt/app/run.py", line 3'],
    ['list index out of range: IndexError'],
    ["{'error': {'message': 'x'}}"],
    ['connection to 10.0.3.7 refused'],
    ['see https://gateway.corp.test/errors/17'],
    ['/var/lib/models/wan/config.json is missing'],
    ['Incorrect API key provided: [removed]'],
    ['x'.repeat(301)],
    ['litellm.Timeout: '],
    ['litellm.InternalServerError: '],
    [''],
    ['You exceeded your current quota, please check your plan and billing details.'],
    ['The account acme-prod has no balance, please recharge.'],
    ['Current cost: 1200.5, Max budget: 1200.0'],
    ['Rate limit reached for sora-2 in organization Acme GmbH.'],
    ['Worker 3 on host ml-prod-12 ran out of memory'],
    ['Write to ops@acme.test'],
  ])('is ours where the provider’s tells of its insides, or is none: %s', (told) => {
    expect(plainWords('server_error', told)).toBe(FAILED);
    expect(plainWords('content_policy_violation', told)).toBe(CONTENT);
    expect(plainWords('invalid_image', told)).toBe(INPUT);
  });

  it('names no gateway, class or address, whatever was told', () => {
    const part = fc.constantFrom(
      'litellm.',
      'BadRequestError',
      ': ',
      'OpenAIException - ',
      'a kite',
      'http://x',
      ' ',
      '{',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), fc.string(), (parts, rest) => {
        const words = plainWords('x', parts.join('') + rest);
        return words !== '' && !/litellm|[a-z](Error|Exception)\b|:\/\/|\{/.test(words);
      }),
    );
  });
});
