import { invalidArguments } from './kraken-error.ts';

/**
 * Parameters of a call, all text: `close[price]` for nested ones, comma lists for lists of names.
 * Lists of objects (batches) keep their items as parameters of their own.
 */
export interface Params {
  readonly values: Readonly<Record<string, string | undefined>>;
  readonly items: Readonly<Record<string, readonly Params[] | undefined>>;
}

export const NO_PARAMS: Params = { values: {}, items: {} };

/** Reads a form or JSON body; clients leave the content type out or get it wrong, so the body itself decides. */
export function parseBody(body: string): Params {
  if (body.trimStart().startsWith('{')) {
    try {
      return fromJson(JSON.parse(quoteBigIntegers(body)) as Record<string, unknown>);
    } catch {
      throw invalidArguments();
    }
  }
  return fromQuery(body);
}

export function fromQuery(query: string): Params {
  const values: Record<string, string> = {};
  const nested = new Map<string, Record<string, string>>();
  for (const [key, value] of new URLSearchParams(query)) {
    const item = /^(\w+)\[(\d+)\](?:\[(.*)\])?$/.exec(key);
    if (!item?.[1]) values[key] = value;
    else if (item[3] === undefined)
      values[item[1]] = item[1] in values ? `${values[item[1]] ?? ''},${value}` : value;
    else {
      const id = `${item[1]}/${item[2] ?? ''}`;
      const name = item[3].replace(/\]\[/g, '[');
      nested.set(id, { ...nested.get(id), [name.includes('[') ? `${name}]` : name]: value });
    }
  }
  const items: Record<string, Params[]> = {};
  for (const [id, entry] of nested) (items[id.split('/')[0] ?? ''] ??= []).push({ values: entry, items: {} });
  return { values, items };
}

export function fromJson(object: Readonly<Record<string, unknown>>): Params {
  const values: Record<string, string> = {};
  const items: Record<string, Params[]> = {};
  for (const [key, value] of Object.entries(object)) {
    if (value === null || value === undefined) continue;
    if (Array.isArray(value)) {
      const objects = value.filter(
        (item): item is Record<string, unknown> => typeof item === 'object' && item !== null,
      );
      if (objects.length > 0) items[key] = objects.map(fromJson);
      else values[key] = value.map(String).join(',');
    } else if (typeof value === 'object') {
      for (const [inner, text] of Object.entries(fromJson(value as Record<string, unknown>).values)) {
        if (text !== undefined) values[`${key}[${inner}]`] = text;
      }
    } else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      values[key] = plainText(value);
    } else {
      throw invalidArguments(key);
    }
  }
  return { values, items };
}

/** A JSON number such as 1e-7 becomes `0.0000001`. */
function plainText(value: string | number | boolean): string {
  const text = String(value);
  const exponent = typeof value === 'number' ? /^(-?)(\d)(?:\.(\d+))?e-(\d+)$/.exec(text) : null;
  if (!exponent) return text;
  const [, sign = '', digit = '', rest = '', zeros = '1'] = exponent;
  return `${sign}0.${'0'.repeat(Number(zeros) - 1)}${digit}${rest}`;
}

/** Nonces exceed what a JSON number holds. */
function quoteBigIntegers(body: string): string {
  return body.replace(/("nonce"\s*:\s*)(\d+)/g, '$1"$2"');
}

export function integer(params: Params, name: string, fallback: number, least: number, most: number): number {
  const text = params.values[name];
  if (text === undefined || text === '') return fallback;
  if (!/^-?\d+$/.test(text) || Number(text) < least || Number(text) > most) throw invalidArguments(name);
  return Number(text);
}

/** A comma list; empty when absent. */
export function list(params: Params, name: string): readonly string[] {
  return (params.values[name] ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

export function flag(params: Params, name: string, fallback: boolean): boolean {
  const text = params.values[name]?.toLowerCase();
  if (text === undefined || text === '') return fallback;
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw invalidArguments(name);
}
