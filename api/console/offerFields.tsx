import type { z } from '@hono/zod-openapi';
import type { Offer } from '../credits/offer.ts';
import type { Model } from '../models/models.ts';

/** What a model is sold with, as fields. Those of the other models are there too, disabled until their model is chosen. */

type Parameter = z.infer<typeof Offer>['parameters'][number];

export function OfferFields({ model, isChosen }: { readonly model: Model; readonly isChosen: boolean }) {
  const { offer } = model;
  if (offer === null) return null;
  // Lists of images are for programs.
  const parameters = offer.parameters.filter(({ type }) => type !== 'images');
  return (
    <fieldset data-model={model.id} {...(isChosen ? {} : { hidden: true, disabled: true })}>
      <legend class="hidden">Settings of {model.id}</legend>
      <div class="row">
        <Choice name="seconds" label="Length" values={offer.seconds} unit=" s" standard="4" />
        <Choice name="size" label="Size" values={offer.sizes} unit="" standard="720x1280" />
      </div>
      {parameters.map((parameter) => (
        <ParameterField parameter={parameter} />
      ))}
    </fieldset>
  );
}

interface Choosing {
  readonly name: string;
  readonly label: string;
  readonly values: readonly string[];
  readonly unit: string;
  readonly standard: string;
}

function Choice({ name, label, values, unit, standard }: Choosing) {
  return (
    <label>
      {label}
      <select name={name}>
        {values.map((value) => (
          <option value={value} {...(value === standard ? { selected: true } : {})}>
            {value.replace('x', ' × ')}
            {unit}
          </option>
        ))}
      </select>
    </label>
  );
}

const inWords = (name: string) => `${name.charAt(0).toUpperCase()}${name.slice(1).replaceAll('_', ' ')}`;

function ParameterField({ parameter }: { readonly parameter: Parameter }) {
  const { name, type } = parameter;
  if (type === 'boolean') {
    return (
      <label class="check">
        <input
          type="checkbox"
          name={name}
          data-type="boolean"
          {...(parameter.default === true ? { checked: true } : {})}
        />
        {inWords(name)}
      </label>
    );
  }
  return (
    <label>
      {inWords(name)}
      {type === 'enum' ? <EnumField parameter={parameter} /> : <PlainField parameter={parameter} />}
    </label>
  );
}

function EnumField({ parameter }: { readonly parameter: Parameter }) {
  const { name, values = [] } = parameter;
  const isNumeric = values.every((value) => typeof value === 'number');
  return (
    <select name={name} data-type={isNumeric ? 'number' : 'string'}>
      {parameter.default === undefined && <option value="">–</option>}
      {values.map((value) => (
        <option value={String(value)} {...(value === parameter.default ? { selected: true } : {})}>
          {String(value)}
        </option>
      ))}
    </select>
  );
}

function PlainField({ parameter }: { readonly parameter: Parameter }) {
  const { name, type, min, max, step, max_length: maxLength } = parameter;
  const standard = parameter.default === undefined ? {} : { value: String(parameter.default) };
  if (type === 'string')
    return <input type="text" name={name} data-type="string" maxlength={maxLength} {...standard} />;
  const whole = type === 'integer' ? '1' : 'any';
  return (
    <input
      type="number"
      name={name}
      data-type="number"
      min={min}
      max={max}
      step={step === undefined ? whole : String(step)}
      {...standard}
    />
  );
}
