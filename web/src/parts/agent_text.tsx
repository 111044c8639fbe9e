// The text of an agent, checked while it is written: faults stand at their lines.
import { useEffect, useRef, useState } from 'preact/hooks';
import { agents, type Check, type Fault } from '../agents';
import type { Problem } from '../api';
import { count, dollars, plural } from '../format';
import { asProblem, useSettled } from '../hooks';
import { ProblemBox } from './common';

export interface Checked {
  text: string; // That was checked.
  check: Check | null;
  problem: Problem | null;
}

/** Checks the text once it has been still for a moment. */
export function useCheck(text: string): Checked {
  const settled = useSettled(text, 350);
  const [checked, setChecked] = useState<Checked>({ text: '', check: null, problem: null });
  useEffect(() => {
    if (!settled.trim()) return;
    const stop = new AbortController();
    agents.check(settled, stop.signal).then(
      (check) => stop.signal.aborted || setChecked({ text: settled, check, problem: null }),
      (error) =>
        stop.signal.aborted ||
        setChecked({ text: settled, check: null, problem: asProblem(error) }),
    );
    return () => stop.abort();
  }, [settled]);
  return checked;
}

type Told = Fault & { isWarning: boolean };

const faultsOf = (check: Check | null): Told[] =>
  check
    ? [
        ...check.errors.map((fault) => ({ ...fault, isWarning: false })),
        ...check.warnings.map((fault) => ({ ...fault, isWarning: true })),
      ]
    : [];

function FaultList({ faults, onGo }: { faults: Told[]; onGo: (line: number) => void }) {
  return (
    <ul class="faults" data-testid="faults" aria-label="Faults">
      {faults.map((fault, i) => (
        <li key={i} class={fault.isWarning ? 'is-warning' : ''} data-line={fault.line}>
          {fault.line > 0 && (
            <button type="button" class="link" onClick={() => onGo(fault.line)}>
              Line {fault.line}
            </button>
          )}
          <span>
            {fault.isWarning && <strong>Warning: </strong>}
            {fault.message}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** What a run costs at most, in words. */
export function worstCase(check: Check | null): string {
  const worst = check?.worst_case;
  if (!worst) return '';
  const parts = [
    worst.steps !== null && plural(worst.steps, 'step'),
    worst.calls !== null && plural(worst.calls, 'call'),
    worst.tokens !== null && `${count(worst.tokens)} tokens`,
    worst.usd !== null && dollars(worst.usd),
  ].filter(Boolean);
  return parts.length ? `A run takes at most ${parts.join(', ')}.` : 'A run has no bound.';
}

export function AgentText({
  text,
  checked,
  isReadOnly = false,
  onInput,
}: {
  text: string;
  checked: Checked;
  isReadOnly?: boolean;
  onInput: (text: string) => void;
}) {
  const area = useRef<HTMLTextAreaElement>(null);
  const gutter = useRef<HTMLOListElement>(null);
  const lines = text.split('\n');
  const faults = faultsOf(checked.check);
  const byLine = new Map<number, Told>();
  for (const fault of faults)
    if (!byLine.has(fault.line) || !fault.isWarning) byLine.set(fault.line, fault);
  const go = (line: number) => {
    const start = lines.slice(0, line - 1).join('\n').length + (line > 1 ? 1 : 0);
    area.current!.focus();
    area.current!.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
    area.current!.scrollTop = Math.max(0, (line - 4) * 21);
  };
  const press = (event: KeyboardEvent) => {
    // Tab stays what leads on; spaces come with Ctrl and ].
    if (event.key !== ']' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    area.current!.setRangeText('  ', area.current!.selectionStart, area.current!.selectionEnd, 'end');
    onInput(area.current!.value);
  };
  return (
    <div class="stack tight">
      <div class="yaml">
        <ol class="yaml-lines" ref={gutter} aria-hidden="true">
          {lines.map((_, i) => {
            const fault = byLine.get(i + 1);
            return (
              <li
                key={i}
                class={fault ? (fault.isWarning ? 'is-warning' : 'is-error') : ''}
                title={fault?.message}
              >
                {i + 1}
              </li>
            );
          })}
        </ol>
        <textarea
          ref={area}
          class="code"
          aria-label="Text of the agent"
          aria-invalid={checked.check && !checked.check.ok ? 'true' : undefined}
          spellcheck={false}
          autocapitalize="off"
          wrap="off"
          rows={Math.min(Math.max(lines.length + 1, 12), 32)}
          readOnly={isReadOnly}
          value={text}
          onKeyDown={press}
          onScroll={() => (gutter.current!.scrollTop = area.current!.scrollTop)}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      </div>
      <ProblemBox problem={checked.problem} />
      <div role="status" class="stack tight">
        {faults.length > 0 && <FaultList faults={faults} onGo={go} />}
        {checked.check?.ok && (
          <p class="muted" data-testid="check-good">
            Good. {worstCase(checked.check)}
          </p>
        )}
      </div>
    </div>
  );
}
