type Value = string | number | boolean;

/** The fields of a form that are filled in, as the API takes them. A file and the key are not among them. */
export function fieldsOf(form: HTMLFormElement): Record<string, Value> {
  const fields: Record<string, Value> = {};
  for (const element of form.elements) {
    if (!isField(element) || element.matches(':disabled') || element.name === 'idempotency_key') continue;
    const value = valueOf(element);
    if (element.name !== '' && value !== undefined) fields[element.name] = value;
  }
  return fields;
}

type Field = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

function isField(element: Element): element is Field {
  return element.matches('input:not([type=file]), select, textarea');
}

function valueOf(field: Field): Value | undefined {
  const type = field.dataset['type'];
  if (type === 'boolean') {
    const { checked, defaultChecked } = field as HTMLInputElement;
    // What is as it is by itself is not asked for.
    return checked === defaultChecked ? undefined : checked;
  }
  if (field.value === '') return undefined;
  return type === 'number' ? Number(field.value) : field.value;
}

/** The reference image, if one is chosen. */
export async function fileAsUrl(form: HTMLFormElement): Promise<object> {
  const file = form.querySelector<HTMLInputElement>('input[type=file]')?.files?.[0];
  if (file === undefined) return {};
  const url = await new Promise<string>((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(new Error('the file could not be read'));
    reader.readAsDataURL(file);
  });
  return { input_reference: { image_url: url } };
}
