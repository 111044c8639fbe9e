// Line icons, 20 by 20. They only repeat what words beside them say, so readers skip them.
import type { ComponentChildren } from 'preact';

const paths = {
  ask: (
    <path d="M3.5 5.5a2 2 0 0 1 2-2h9a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H9l-4 3v-3a1.8 1.8 0 0 1-1.5-2zM7 7.5h6M7 10h4" />
  ),
  search: <path d="M8.75 14a5.25 5.25 0 1 0 0-10.5 5.25 5.25 0 0 0 0 10.5zM12.6 12.6l4 4" />,
  collections: <path d="M3.5 5.5h5l1.5 2h6.5v8.5h-13zM3.5 10h13" />,
  models: (
    <path d="M6 6h8v8H6zM8 3.5V6m4-2.5V6m-4 8v2.5m4-2.5v2.5M3.5 8H6m-2.5 4H6m8-4h2.5M14 12h2.5" />
  ),
  settings: (
    <path d="M3.5 6h7m4 0h2M3.5 14h2m4 0h7M12.5 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM7.5 16a2 2 0 1 0 0-4 2 2 0 0 0 0 4z" />
  ),
  traces: <path d="M3.5 5h9M6 8.5h8M8.5 12h5M10.5 15.5h6" />,
  costs: <path d="M3.5 16.5h13M5.5 16.5v-5m4.5 5v-9m4.5 9V4" />,
  budgets: <path d="M10 3.5a6.5 6.5 0 1 0 6.5 6.5H10zM12.5 2.8a6.5 6.5 0 0 1 4.7 4.7h-4.7z" />,
  prompts: <path d="M4 4h12v12H4zM7 8l2.5 2L7 12m4.5 0H13" />,
  datasets: (
    <path d="M4 5.5c0-1.1 2.7-2 6-2s6 .9 6 2-2.7 2-6 2-6-.9-6-2zm0 0v9c0 1.1 2.7 2 6 2s6-.9 6-2v-9M4 10c0 1.1 2.7 2 6 2s6-.9 6-2" />
  ),
  evaluations: <path d="M3.5 10h13M6 7.5v5M14 7.5v5M10 6v8M3.5 4v12" />,
  agents: (
    <path d="M10 7.5V10m-4.5 2.5V10h9v2.5M10 7.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM5.5 16.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4zm9 0a2 2 0 1 0 0-4 2 2 0 0 0 0 4z" />
  ),
  playground: <path d="M6 3.5v13l10-6.5z" />,
  more: <path d="M4.5 10h.01M10 10h.01M15.5 10h.01" />,
  docs: <path d="M7 6.5 3.5 10 7 13.5m6-7L16.5 10 13 13.5M11 5 9 15" />,
  sun: (
    <path d="M10 13a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM10 2.5v1.5m0 12v1.5M2.5 10H4m12 0h1.5M4.7 4.7l1 1m8.6 8.6 1 1m0-10.6-1 1m-8.6 8.6-1 1" />
  ),
  moon: <path d="M16 11.5A6.5 6.5 0 1 1 8.5 4a5.2 5.2 0 0 0 7.5 7.5z" />,
  help: (
    <path d="M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM7.9 8a2.1 2.1 0 1 1 3 1.9c-.6.3-.9.7-.9 1.4m0 2.2v.1" />
  ),
  close: <path d="m5 5 10 10M15 5 5 15" />,
  upload: <path d="M10 13V4m-3.5 3.5L10 4l3.5 3.5M3.5 12.5v3h13v-3" />,
  download: <path d="M10 4v9m-3.5-3.5L10 13l3.5-3.5M3.5 12.5v3h13v-3" />,
  trash: <path d="M4 6h12M8 6V4h4v2m-6.5 0 .7 10h7.6l.7-10M8.5 9v4.5m3-4.5v4.5" />,
  plus: <path d="M10 4v12M4 10h12" />,
  copy: <path d="M7 7h9v9H7zM13 7V4H4v9h3" />,
  replay: <path d="M4 10a6 6 0 1 0 2-4.5M4 3.5V7h3.5" />,
  key: <path d="M7 15.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zm2.6-5.9L16 3.5m-3 3 2.5 2.5" />,
  document: <path d="M5 3.5h6.5L15 7v9.5H5zM11.5 3.5V7H15M7.5 10h5m-5 3h5" />,
  out: <path d="M8 4H4v12h4m4-9 3.5 3L12 13m3.5-3H8" />,
  check: <path d="m4.5 10.5 3.5 3.5 7.5-8" />,
  chevron: <path d="m7 5 5 5-5 5" />,
  back: <path d="m12 5-5 5 5 5" />,
  stop: <path d="M6 6h8v8H6z" />,
} satisfies Record<string, ComponentChildren>;

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg
      class="icon"
      viewBox="0 0 20 20"
      width="20"
      height="20"
      aria-hidden="true"
      focusable="false"
    >
      {paths[name]}
    </svg>
  );
}
