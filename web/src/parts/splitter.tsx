// How documents are cut: what is chosen for a collection, new or migrated.
import { Field } from './common';

const kinds = [
  'recursive',
  'markdown',
  'html',
  'html_semantic',
  'language',
  'token',
  'semantic',
  'character',
  'json',
] as const;
const withoutOverlap = ['json', 'semantic'];
const sizeMax = 1_000_000;

export interface Cut {
  kind: string;
  chunk_size: number;
  chunk_overlap: number;
}

export const firstCut: Cut = { kind: 'recursive', chunk_size: 800, chunk_overlap: 0 };

function NumberField({
  label,
  value,
  min,
  max,
  onChange,
}: {
  label: string;
  value: number;
  min: number;
  max: number;
  onChange: (value: number) => void;
}) {
  return (
    <Field label={label}>
      {(attributes) => (
        <input
          {...attributes}
          type="number"
          required
          min={min}
          max={max}
          value={Number.isNaN(value) ? '' : value}
          onInput={(event) => onChange(event.currentTarget.valueAsNumber)}
        />
      )}
    </Field>
  );
}

export function SplitterFields({ cut, onChange }: { cut: Cut; onChange: (cut: Cut) => void }) {
  return (
    <div class="grid">
      <Field label="Splitter">
        {(attributes) => (
          <select
            {...attributes}
            value={cut.kind}
            onChange={({ currentTarget: { value: kind } }) =>
              onChange({
                ...cut,
                kind,
                chunk_overlap: withoutOverlap.includes(kind) ? 0 : cut.chunk_overlap,
              })
            }
          >
            {kinds.map((kind) => (
              <option key={kind}>{kind}</option>
            ))}
          </select>
        )}
      </Field>
      <NumberField
        label="Size of a chunk"
        value={cut.chunk_size}
        min={1}
        max={sizeMax}
        onChange={(chunk_size) => onChange({ ...cut, chunk_size })}
      />
      {!withoutOverlap.includes(cut.kind) && (
        <NumberField
          label="Overlap"
          value={cut.chunk_overlap}
          min={0}
          max={cut.chunk_size || sizeMax}
          onChange={(chunk_overlap) => onChange({ ...cut, chunk_overlap })}
        />
      )}
    </div>
  );
}
