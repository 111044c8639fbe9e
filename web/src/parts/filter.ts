// Looks at a filter while it is typed. The server decides; this only says early what is certainly wrong.

const operators = new Set([
  '$eq',
  '$ne',
  '$gt',
  '$gte',
  '$lt',
  '$lte',
  '$in',
  '$nin',
  '$exists',
  '$and',
  '$or',
  '$not',
  '$contains',
]);

export interface CheckedFilter {
  value: unknown; // undefined: no filter
  error: string | null;
}

function wrongIn(value: unknown, path: string): string | null {
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) {
      const wrong = wrongIn(item, `${path}[${i}]`);
      if (wrong) return wrong;
    }
    return null;
  }
  if (value === null || typeof value !== 'object') return null;
  for (const [key, inner] of Object.entries(value)) {
    if (key.startsWith('$') && !operators.has(key))
      return `${path}: there is no operator ${key}; there are ${[...operators].join(' ')}`;
    if (
      (key === '$in' || key === '$nin' || key === '$and' || key === '$or') &&
      !Array.isArray(inner)
    )
      return `${path}.${key}: needs a list`;
    if (key === '$exists' && typeof inner !== 'boolean')
      return `${path}.$exists: needs true or false`;
    const wrong = wrongIn(inner, `${path}.${key}`);
    if (wrong) return wrong;
  }
  return null;
}

export function checkFilter(text: string): CheckedFilter {
  if (!text.trim()) return { value: undefined, error: null };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return {
      value: undefined,
      error: `not JSON yet: ${(error as Error).message.replace(/^JSON\.parse: /, '')}`,
    };
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return { value: undefined, error: 'a filter is an object: {"year": {"$gte": 2024}}' };
  return { value, error: wrongIn(value, '$') };
}
