// The configuration that holds, and where each value comes from.
import { useMemo, useState } from 'preact/hooks';
import { api } from '../api';
import { useLoaded, useTitle } from '../hooks';
import { Empty, InputField, Page, ProblemBox, Waiting } from '../parts/common';

interface Row {
  path: string; // "$.defaults.embedder"
  value: string;
  origin: string; // Empty: the default.
}

/** One row for every leaf; its origin is its own or that of the nearest value around it. */
function rowsOf(config: unknown, origins: Record<string, string>): Row[] {
  const rows: Row[] = [];
  const walk = (value: unknown, path: string, around: string) => {
    const origin = origins[path] ?? around;
    const isBranch =
      value !== null &&
      typeof value === 'object' &&
      !Array.isArray(value) &&
      Object.keys(value).length > 0;
    if (!isBranch)
      rows.push({
        path,
        value:
          value === null
            ? 'none'
            : typeof value === 'string'
              ? value || '""'
              : JSON.stringify(value),
        origin,
      });
    else
      for (const [key, inner] of Object.entries(value as object))
        walk(inner, `${path}.${key}`, origin);
  };
  walk(config, '$', '');
  return rows;
}

function groupsOf(rows: Row[]): [string, Row[]][] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const name = row.path.split('.')[1] ?? 'all';
    groups.set(name, [...(groups.get(name) ?? []), row]);
  }
  return [...groups];
}

export function SettingsPage() {
  useTitle('Settings');
  const settings = useLoaded((signal) => api.settings(signal), 'settings');
  const [wanted, setWanted] = useState('');
  const rows = useMemo(
    () => (settings.value ? rowsOf(settings.value.config, settings.value.origins ?? {}) : []),
    [settings.value],
  );
  const shown = rows.filter((row) =>
    `${row.path} ${row.value}`.toLowerCase().includes(wanted.toLowerCase()),
  );
  return (
    <Page
      title="Settings"
      lead="What holds now, with defaults filled in. Change it in slipway.yaml; a SIGHUP reloads it. Secrets are never shown."
    >
      <ProblemBox problem={settings.problem} retry={settings.reload} />
      {!settings.value && !settings.problem && <Waiting lines={8} />}
      {settings.value && (
        <>
          <p class="muted">
            {settings.value.file ? (
              <>
                Read from <code>{settings.value.file}</code>
              </>
            ) : (
              'There is no slipway.yaml: everything is at its default.'
            )}
          </p>
          <InputField
            label="Find a setting"
            type="search"
            value={wanted}
            data-shortcut="focus"
            autocomplete="off"
            onInput={setWanted}
          />
          {shown.length === 0 && (
            <Empty icon="settings" title="No setting has this in its name or value" />
          )}
          {groupsOf(shown).map(([name, group]) => (
            <section key={name} aria-label={name}>
              <h2>{name}</h2>
              <dl class="settings">
                {group.map((row) => (
                  <div key={row.path} class={row.origin && row.origin !== 'default' ? 'set' : ''}>
                    <dt>{row.path.slice(2)}</dt>
                    <dd>
                      <code>{row.value}</code>
                      <span class="muted">{row.origin || 'default'}</span>
                    </dd>
                  </div>
                ))}
              </dl>
            </section>
          ))}
        </>
      )}
    </Page>
  );
}
