// Fields for values of a known type: the input of an agent, arguments of a tool, a person's answer.
import { Problem } from '../api';
import { Field } from './common';

export interface ValueField {
  name: string;
  type: string; // string, bool, int, number, list, map, any
  hint?: string;
  isRequired?: boolean;
}

/** What stands in the fields, as text. */
export type Texts = Record<string, string>;

const isText = (type: string) => type === 'string' || type === 'text';

export function textOfValue(type: string, value: unknown): string {
  if (value === undefined || value === null) return '';
  if (isText(type) || (type === 'any' && typeof value === 'string' && !looksLikeJson(value)))
    return String(value);
  return JSON.stringify(value, null, typeof value === 'object' ? 2 : 0);
}

/** A text that would become something else as JSON. */
function looksLikeJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function valueOf({ name, type }: ValueField, text: string): unknown {
  if (isText(type)) return text;
  if (type === 'bool') return text === 'true';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    if (type === 'any') return text;
    throw new Problem(0, `${name}: ${type === 'list' || type === 'map' ? 'JSON' : 'a number'} is needed`);
  }
  const isRight =
    type === 'any' ||
    (type === 'list' && Array.isArray(value)) ||
    (type === 'map' && typeof value === 'object' && value !== null && !Array.isArray(value)) ||
    (type === 'int' && Number.isInteger(value)) ||
    (type === 'number' && typeof value === 'number');
  if (!isRight) throw new Problem(0, `${name}: a value of type ${type} is needed`);
  return value;
}

/** The values of all fields; what is empty is left out, unless it must be there. */
export function valuesOf(fields: ValueField[], texts: Texts): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const field of fields) {
    const text = texts[field.name] ?? '';
    if (text.trim()) values[field.name] = valueOf(field, isText(field.type) ? text : text.trim());
    else if (field.isRequired) throw new Problem(0, `${field.name} is empty`);
  }
  return values;
}

/** The fields of a JSON Schema with properties; null: it has none. */
export function fieldsOfSchema(schema: any): ValueField[] | null {
  if (!schema || typeof schema.properties !== 'object') return null;
  const names: Record<string, string> = {
    string: 'string',
    boolean: 'bool',
    integer: 'int',
    number: 'number',
    array: 'list',
    object: 'map',
  };
  return Object.entries<any>(schema.properties).map(([name, one]) => ({
    name,
    type: names[String(one?.type)] ?? 'any',
    hint: one?.description,
    isRequired: schema.required?.includes(name) ?? false,
  }));
}

export function fieldsOfObject(value: Record<string, unknown>): ValueField[] {
  return Object.entries(value).map(([name, one]) => ({
    name,
    type:
      typeof one === 'string'
        ? 'string'
        : typeof one === 'boolean'
          ? 'bool'
          : typeof one === 'number'
            ? 'number'
            : Array.isArray(one)
              ? 'list'
              : typeof one === 'object' && one !== null
                ? 'map'
                : 'any',
  }));
}

const hints: Record<string, string> = {
  list: 'A JSON list',
  map: 'A JSON object',
  any: 'Text or JSON',
  int: 'A whole number',
};

export function ValueFields({
  fields,
  texts,
  onChange,
}: {
  fields: ValueField[];
  texts: Texts;
  onChange: (texts: Texts) => void;
}) {
  const set = (name: string, text: string) => onChange({ ...texts, [name]: text });
  return (
    <>
      {fields.map((field) => {
        const { name, type, hint } = field;
        const value = texts[name] ?? '';
        return (
          <Field key={name} label={name} hint={hint ?? hints[type]}>
            {(attributes) =>
              type === 'bool' ? (
                <select
                  {...attributes}
                  value={value}
                  onChange={(event) => set(name, event.currentTarget.value)}
                >
                  <option value="">–</option>
                  <option value="true">true</option>
                  <option value="false">false</option>
                </select>
              ) : type === 'int' || type === 'number' ? (
                <input
                  {...attributes}
                  inputMode={type === 'int' ? 'numeric' : 'decimal'}
                  value={value}
                  onInput={(event) => set(name, event.currentTarget.value)}
                />
              ) : (
                <textarea
                  {...attributes}
                  class={isText(type) ? '' : 'code'}
                  rows={isText(type) || type === 'any' ? 2 : 3}
                  value={value}
                  onInput={(event) => set(name, event.currentTarget.value)}
                />
              )
            }
          </Field>
        );
      })}
    </>
  );
}
