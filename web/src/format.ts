// Numbers, times and names as people read them.

const number = new Intl.NumberFormat('en');
export const count = (value: number): string => number.format(value);

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

export function bytes(size: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}

export function milliseconds(value: number): string {
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`;
  if (value >= 1000) return `${(value / 1000).toFixed(2)} s`;
  return `${value >= 10 ? Math.round(value) : value.toFixed(1)} ms`;
}

export function score(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(3);
}

export function dollars(value: number): string {
  return value === 0 ? '$0' : value < 0.01 ? `$${value.toFixed(5)}` : `$${value.toFixed(2)}`;
}

export function time(value: string | null | undefined): string {
  if (!value) return '–';
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) return value;
  return date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}

export function fileName(path: string): string {
  return path.split('/').filter(Boolean).pop() ?? path;
}

/** What a document is called: its title, unless that says nothing. */
export function documentName(document: { title: string; path: string; uri: string }): string {
  return document.title || fileName(document.path) || document.uri;
}

interface Placed {
  page: number | null;
  page_end: number | null;
  heading_path: string[];
  sheet: string | null;
  row: number | null;
}

/** "page 3", "Budgets › Limits", "Prices, row 7"; empty when there is no more than the text. */
export function placeName(place: Placed): string {
  const parts: string[] = [];
  if (place.page !== null && place.page !== undefined)
    parts.push(place.page_end ? `pages ${place.page}–${place.page_end}` : `page ${place.page}`);
  if (place.sheet) parts.push(place.sheet);
  if (place.row !== null && place.row !== undefined) parts.push(`row ${place.row}`);
  if (place.heading_path?.length) parts.push(place.heading_path.join(' › '));
  return parts.join(' · ');
}
