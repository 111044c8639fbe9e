// Numbers, times and names as people read them.

const number = new Intl.NumberFormat('en');
export const count = (value: number): string => number.format(value).replace('-', '−');

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
  if (value >= 600_000) return `${Math.round(value / 60_000)} min`;
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

/** Prices of calls: as many digits as tell two of them apart. */
export function money(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  if (value === 0) return '$0';
  const size = Math.abs(value);
  const digits = size >= 100 ? 2 : size >= 1 ? 3 : size >= 0.01 ? 4 : size >= 0.0001 ? 6 : 9;
  const text = size.toLocaleString('en', {
    minimumFractionDigits: 2,
    maximumFractionDigits: digits,
  });
  return `${value < 0 ? '−' : ''}$${text}`;
}

/** All digits that a price of one call has. */
export function exactMoney(value: number): string {
  const text = Math.abs(value).toLocaleString('en', {
    minimumFractionDigits: 2,
    maximumFractionDigits: 12,
  });
  return `${value < 0 ? '−' : ''}$${text}`;
}

export function percent(share: number): string {
  const value = share * 100;
  return `${value === 0 || value >= 10 ? Math.round(value) : value.toFixed(1)} %`;
}

/** 1234 -> "1,234"; 1234567 -> "1.23 M". */
export function short(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(2)} G`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  return value >= 1e5 ? `${Math.round(value / 1e3)} k` : count(Math.round(value));
}

/** The hour of today, the day of other times. */
export function shortTime(value: string | null | undefined): string {
  if (!value) return '–';
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) return value;
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday
    ? date.toLocaleTimeString(undefined, { timeStyle: 'medium' })
    : date.toLocaleString(undefined, {
        month: 'short',
        day: 'numeric',
        hour: '2-digit',
        minute: '2-digit',
      });
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
