-- What became of the content of a finished video: copied to the archive, or gone before it could be. A provider's links die
-- after about an hour, and what was charged must stay. Nothing waits for it.
CREATE TABLE contents (
  generation_id text NOT NULL REFERENCES generations,
  variant text NOT NULL CONSTRAINT contents_variant_known CHECK (variant IN ('video', 'thumbnail', 'spritesheet')),
  state text NOT NULL CONSTRAINT contents_state_known CHECK (state IN ('archived', 'gone')),
  bytes bigint CONSTRAINT contents_bytes_range CHECK (bytes BETWEEN 1 AND 9007199254740991),
  sha256 bytea CONSTRAINT contents_sha256_length CHECK (length(sha256) = 32),
  content_type text CONSTRAINT contents_content_type_length CHECK (length(content_type) BETWEEN 1 AND 200),
  -- Its key in the store.
  location text CONSTRAINT contents_location_length CHECK (length(location) BETWEEN 1 AND 1000),
  -- Of an archived video, what its file shows; NULL where that can't be read. Against what was sold: what_was_made.sql.
  length_ms bigint,
  -- In the words of the sale.
  frame_size text,
  has_sound boolean,
  -- Recorded while its generation was held: then the capture is by this file.
  before_capture boolean NOT NULL DEFAULT false,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (generation_id, variant),
  CONSTRAINT contents_described CHECK (
    num_nonnulls(bytes, sha256, content_type, location) = CASE state WHEN 'archived' THEN 4 ELSE 0 END)
);

-- Which bytes of a video its owner was sent before it was archived, in whatever parts.
CREATE TABLE served_parts (
  generation_id text PRIMARY KEY REFERENCES generations,
  parts int8multirange NOT NULL
);
