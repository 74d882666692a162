/** What a code or type of a refusal is about. The first three are the operator's to mend, the others the client's. */
export type RefusedFor = 'bill' | 'key' | 'model' | 'content' | 'input';

interface RefusalCodes {
  readonly about: RefusedFor;
  readonly code: RegExp;
  /** The statuses that such codes were seen under. */
  readonly seen: readonly (readonly [status: number, code: string])[];
}

/**
 * The one table of what refuses an attempt, by what the answer says and not by its status alone (MR-77). The first that fits
 * counts. Codes that are not here leave the status to decide: see `FAULT_OF_SUBMISSION_STATUS` in errors.ts.
 */
export const REFUSAL_CODES: readonly RefusalCodes[] = [
  {
    about: 'bill',
    code: /quota|billing|^budget_exceeded$|^insufficient_(balance|credit|fund)|^account_(deactivated|suspended)$|^organization_|^payment_required$/i,
    seen: [
      [429, 'insufficient_quota'],
      [400, 'billing_hard_limit_reached'],
      [400, 'budget_exceeded'],
      [500, 'insufficient_user_quota'],
      [503, 'insufficient_balance'],
      [422, 'organization_must_be_verified'],
    ],
  },
  {
    about: 'key',
    code: /^(invalid_api_key|api_key_invalid|authentication_error|no_db_connection)$/i,
    seen: [
      [401, 'invalid_api_key'],
      // LiteLLM without a database, of every key but its own.
      [400, 'no_db_connection'],
    ],
  },
  {
    about: 'model',
    code: /^(model_not_found|unknown_model|invalid_model|model_not_available)$/i,
    seen: [
      [404, 'model_not_found'],
      [400, 'model_not_found'],
      [400, 'invalid_model'],
    ],
  },
  {
    about: 'content',
    code: /moderation_?(block|flag|violat|reject|refus)|moderated$|content_?(policy|filter)|sensitive_?content|prohibited_?content|data_?inspection|responsible_?ai|^nsfw|(^|[._-])safety($|[._-])/i,
    seen: [
      [400, 'moderation_blocked'],
      [500, 'moderation_blocked'],
      [200, 'moderation_blocked'],
      [403, 'content_policy_violation'],
      [451, 'content_policy_violation'],
      // Wan, Seedance, Azure, Gemini.
      [400, 'DataInspectionFailed'],
      [400, 'InputTextSensitiveContentDetected'],
      [400, 'content_filter'],
      [400, 'SAFETY'],
    ],
  },
  {
    about: 'input',
    code: /^invalid_(prompt|image|size|seconds|duration|input|parameter|value)|^(prompt|string|text|image)_(too_long|too_large|above_max_length)|^context_length_exceeded$|^unsupported_(parameter|value|size|duration|image)/i,
    seen: [
      [403, 'invalid_image'],
      [400, 'invalid_value'],
    ],
  },
];

/** What the first of these codes and types is about that the table has; null when it has none. */
export function refusedFor(words: readonly string[]): RefusedFor | null {
  return REFUSAL_CODES.find(({ code }) => words.some((word) => code.test(word)))?.about ?? null;
}
