/** The parameters of what is sold, as `offers.parameters` keeps them (migrations/functions/offers.sql). */

export type ParameterValue = string | number | boolean;

/** What a value does to the price: one of these. A factor of 15000 basis points is 1.5. */
export type PriceEffect =
  | { readonly factor_basis_points: number }
  | { readonly amount_microcredits: number }
  | { readonly per_second_microcredits: number };

interface AnyParameter {
  /** The client's name for it. */
  readonly name: string;
  /** The provider's; unset: the same. */
  readonly sent_as?: string | undefined;
}

/** With one effect, whatever the value. */
interface Measured extends AnyParameter {
  readonly price?: PriceEffect | undefined;
}

/** With an effect for some of its values. */
interface Chosen extends AnyParameter {
  readonly price?: Readonly<Record<string, PriceEffect>> | undefined;
}

export type OfferedParameter =
  | (Measured & {
      readonly type: 'integer' | 'number';
      readonly min: number;
      readonly max: number;
      /** Counted from `min`. */
      readonly step?: number | undefined;
      readonly default?: number | undefined;
    })
  | (Measured & { readonly type: 'string'; readonly max_length: number; readonly default?: string | undefined })
  | (Pick<Measured, 'price'> & {
      readonly type: 'images';
      readonly name: 'frame_images' | 'input_references';
      readonly max_items: number;
    })
  | (Chosen & { readonly type: 'boolean'; readonly default?: boolean | undefined })
  | (Chosen & {
      readonly type: 'enum';
      readonly values: readonly (string | number)[];
      readonly default?: string | number | undefined;
    });

/** A field of a request that its offer refuses, and why (`read_parameter`, `quote_video`). */
export interface RefusedField {
  readonly param: string;
  readonly fault:
    | 'unknown'
    | 'flags'
    | 'no_boolean'
    | 'no_integer'
    | 'no_number'
    | 'too_small'
    | 'too_large'
    | 'no_step'
    | 'no_value'
    | 'no_string'
    | 'too_long'
    | 'too_many';
  /** The part of the offer that it breaks; null where there is none. */
  readonly rule?: {
    readonly min?: number;
    readonly max?: number;
    readonly step?: number;
    readonly max_length?: number;
    readonly max_items?: number;
    readonly values?: readonly (string | number)[];
  } | null;
}
