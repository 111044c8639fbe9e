// Addresses of the page: one path, drawn by one component. Links are ordinary links.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

const changed = new EventTarget();

export function navigate(to: string, how: 'push' | 'replace' = 'push'): void {
  if (how === 'push') history.pushState(null, '', to);
  else history.replaceState(null, '', to);
  changed.dispatchEvent(new Event('change'));
}

export interface Address {
  path: string;
  query: URLSearchParams;
}

const read = (): Address => ({
  path: location.pathname,
  query: new URLSearchParams(location.search),
});

export function useAddress(): Address {
  const [address, setAddress] = useState(read);
  useEffect(() => {
    const update = () => setAddress(read());
    changed.addEventListener('change', update);
    addEventListener('popstate', update);
    return () => {
      changed.removeEventListener('change', update);
      removeEventListener('popstate', update);
    };
  }, []);
  return address;
}

/** "/collections/a%20b" below "/collections" -> ["a b"]; null when it is elsewhere. */
export function below(path: string, prefix: string): string[] | null {
  if (path !== prefix && !path.startsWith(`${prefix}/`)) return null;
  try {
    return path.slice(prefix.length).split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    return null; // A broken escape names nothing.
  }
}

type LinkProps = {
  href: string;
  class?: string;
  'aria-current'?: 'page' | undefined;
  children?: ComponentChildren;
};

export function Link(props: LinkProps) {
  return (
    <a
      {...props}
      onClick={(event) => {
        // A click that asks for a new tab or window is the browser's.
        if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        navigate(props.href);
      }}
    />
  );
}
