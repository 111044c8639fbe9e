// Light, dark, or as the system has it. Only a choice is stored.
export type Theme = 'system' | 'light' | 'dark';

const key = 'slipway.theme';

export function chosenTheme(): Theme {
  try {
    const stored = localStorage.getItem(key);
    return stored === 'light' || stored === 'dark' ? stored : 'system';
  } catch {
    return 'system'; // Storage is forbidden: nothing was chosen.
  }
}

export function applyTheme(): void {
  const theme = chosenTheme();
  const root = document.documentElement;
  if (theme === 'system') root.removeAttribute('data-theme');
  else root.setAttribute('data-theme', theme);
}

export function chooseTheme(theme: Theme): void {
  try {
    if (theme === 'system') localStorage.removeItem(key);
    else localStorage.setItem(key, theme);
  } catch {
    // It then holds until the page is left.
    document.documentElement.setAttribute('data-theme', theme);
    return;
  }
  applyTheme();
}

/** What is shown now. */
export function isDark(): boolean {
  const theme = chosenTheme();
  return (
    theme === 'dark' || (theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches)
  );
}
