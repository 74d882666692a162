-- Scripts and threads are generations like videos: the hold is the most that one can cost (MR-60), and the charge is what the
-- provider billed or, where that is not known, the upper bound of what was delivered (MR-61).

-- What the client asked for, apart from `texts` so that it can be erased, and never in a Temporal history.
CREATE TABLE text_requests (
  generation_id text PRIMARY KEY REFERENCES generations,
  request jsonb NOT NULL
    CONSTRAINT text_requests_request_is_object CHECK (jsonb_typeof(request) = 'object')
    CONSTRAINT text_requests_request_length CHECK (length(request::text) <= 32000)
);

-- What was written, as far as it was delivered, and what it came to.
CREATE TABLE texts (
  generation_id text PRIMARY KEY REFERENCES generations,
  text_price_id bigint NOT NULL REFERENCES text_prices,
  -- The hold is for so many tokens: an upper bound of the input, and the most that may be written.
  input_bound_tokens bigint NOT NULL CONSTRAINT texts_input_bound_tokens_positive CHECK (input_bound_tokens > 0),
  max_output_tokens bigint NOT NULL CONSTRAINT texts_max_output_tokens_positive CHECK (max_output_tokens > 0),
  output text NOT NULL DEFAULT '',
  -- As the provider billed them; NULL when it did not say.
  input_tokens bigint CONSTRAINT texts_input_tokens_not_negative CHECK (input_tokens >= 0),
  output_tokens bigint CONSTRAINT texts_output_tokens_not_negative CHECK (output_tokens >= 0),
  finish_reason text,
  ended_at timestamptz,
  CONSTRAINT texts_billed CHECK ((input_tokens IS NULL) = (output_tokens IS NULL)),
  CONSTRAINT texts_billed_when_ended CHECK (ended_at IS NOT NULL OR input_tokens IS NULL)
);
