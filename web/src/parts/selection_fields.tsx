// Fields that say which runs a page looks at; a choice changes its address at once.
import type { Project } from '../observe';
import { Field } from './common';
import { kinds, PeriodPicker, type PageQuery } from './marks';

export function SinceField({ page }: { page: PageQuery }) {
  return (
    <Field label="Since" class="short choice-field">
      {(attributes) => (
        <PeriodPicker
          id={attributes.id}
          value={page.get('from')}
          onChange={(from) => page.set({ from })}
        />
      )}
    </Field>
  );
}

/** Any of those that are there; one that the address names is there too. */
export function ProjectField({ page, projects }: { page: PageQuery; projects: Project[] }) {
  const names = projects.map((project) => project.name);
  const project = page.get('project');
  if (project && !names.includes(project)) names.unshift(project);
  return (
    <Field label="Project" class="short choice-field">
      {(attributes) => (
        <select
          {...attributes}
          value={project}
          onChange={(event) => page.set({ project: event.currentTarget.value })}
        >
          <option value="">All</option>
          {names.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

export function KindField({ page, class: className }: { page: PageQuery; class?: string }) {
  return (
    <Field label="Kind" class={className}>
      {(attributes) => (
        <select
          {...attributes}
          value={page.get('kind')}
          onChange={(event) => page.set({ kind: event.currentTarget.value })}
        >
          <option value="">Any</option>
          {kinds.map((kind) => (
            <option key={kind}>{kind}</option>
          ))}
        </select>
      )}
    </Field>
  );
}
