// Days and hours without a gap between them: what nobody used is a zero, not missing.

const hour = 3_600_000;
const filledMax = 800; // With a longer time, only what is there is shown.

const timeOf = (key: string) => Date.parse(key.length === 10 ? `${key}T00:00:00Z` : key);

/** The keys from the first to the last of `keys`, which are days or hours in UTC. */
export function filled(keys: string[], by: 'day' | 'hour'): string[] {
  const sorted = [...keys].sort();
  if (sorted.length < 2) return sorted;
  const step = by === 'day' ? 24 * hour : hour;
  const first = timeOf(sorted[0]!);
  const last = timeOf(sorted.at(-1)!);
  if (!((last - first) / step < filledMax)) return sorted;
  const all: string[] = [];
  for (let time = first; time <= last; time += step) {
    const iso = new Date(time).toISOString();
    all.push(by === 'day' ? iso.slice(0, 10) : `${iso.slice(0, 19)}Z`);
  }
  return all;
}

/** "2026-11-20" -> "20 Nov", "2026-11-20T05:00:00Z" -> "20 Nov, 05:00"; of another year with it. */
export function bucketName(key: string): string {
  const date = new Date(timeOf(key));
  if (Number.isNaN(date.getTime())) return key;
  const isThisYear = date.getUTCFullYear() === new Date().getUTCFullYear();
  const day = date.toLocaleDateString('en-GB', {
    day: 'numeric',
    month: 'short',
    year: isThisYear ? undefined : 'numeric',
    timeZone: 'UTC',
  });
  return key.length === 10 ? day : `${day}, ${key.slice(11, 16)}`;
}
