import type { ComponentChildren, ComponentProps } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Problem } from '../api';
import { asProblem } from '../hooks';
import { Icon, type IconName } from './icons';

export function Page({
  title,
  lead,
  actions,
  isWide = false,
  children,
}: {
  title: string;
  lead?: ComponentChildren;
  actions?: ComponentChildren;
  isWide?: boolean; // For tables and trees.
  children: ComponentChildren;
}) {
  return (
    <div class={isWide ? 'page wide-page' : 'page'}>
      <header class="page-head">
        <div>
          <h1>{title}</h1>
          {lead && <p class="lead">{lead}</p>}
        </div>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

export function Empty({
  icon,
  title,
  children,
  action,
}: {
  icon: IconName;
  title: string;
  children?: ComponentChildren;
  action?: ComponentChildren;
}) {
  return (
    <div class="empty">
      <Icon name={icon} />
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {action}
    </div>
  );
}

/** A failure, as the server says it, with the way on. */
export function ProblemBox({ problem, retry }: { problem: Problem | null; retry?: () => void }) {
  if (!problem) return null;
  const more = problem.errors.filter((issue) => issue.message !== problem.message);
  return (
    <div class="problem" role="alert">
      <p>{problem.message}</p>
      {more.length > 0 && (
        <ul>
          {more.map((issue) => (
            <li key={issue.path + issue.message}>
              <code>{issue.path}</code> {issue.message}
            </li>
          ))}
        </ul>
      )}
      {retry && (
        <button type="button" class="quiet" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Grey bars where something will stand, so that nothing jumps when it comes. */
export function Waiting({ lines = 3, label = 'Loading' }: { lines?: number; label?: string }) {
  return (
    <div class="waiting" role="status" aria-label={label}>
      {Array.from({ length: lines }, (_, i) => (
        <span key={i} />
      ))}
    </div>
  );
}

type FieldProps = {
  label: string;
  hint?: ComponentChildren;
  error?: string | null;
  class?: string;
  children: (attributes: {
    id: string;
    'aria-describedby'?: string;
    'aria-invalid'?: 'true';
  }) => ComponentChildren;
};

/** A labelled control: `children` gets what ties both together. */
export function Field({ label, hint, error, class: name, children }: FieldProps) {
  const id = useId();
  const note = error || hint;
  return (
    <div class={`field ${name ?? ''}`}>
      <label for={id}>{label}</label>
      {children({
        id,
        'aria-describedby': note ? `${id}-note` : undefined,
        'aria-invalid': error ? 'true' : undefined,
      })}
      {note && (
        <p id={`${id}-note`} class={error ? 'note bad' : 'note'}>
          {note}
        </p>
      )}
    </div>
  );
}

type TextOf<Tag extends 'input' | 'textarea'> = Omit<FieldProps, 'children'> &
  Omit<ComponentProps<Tag>, keyof FieldProps | 'value' | 'onInput' | 'role'> & {
    value: string;
    onInput: (value: string) => void;
  };

/** One line of text, or what else an `<input>` has; `class` is the field's. */
export function InputField({ label, hint, error, class: name, onInput, ...rest }: TextOf<'input'>) {
  return (
    <Field label={label} hint={hint} error={error} class={name}>
      {(attributes) => (
        <input
          {...attributes}
          {...(rest as ComponentProps<'input'>)}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

/** Several lines of text. */
export function AreaField({ label, hint, error, class: name, onInput, ...rest }: TextOf<'textarea'>) {
  return (
    <Field label={label} hint={hint} error={error} class={name}>
      {(attributes) => (
        <textarea
          {...attributes}
          {...rest}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

export function Choice<T extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}) {
  const name = useId();
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      <div>
        {options.map(([option, text]) => (
          <label key={option} class={option === value ? 'on' : ''}>
            <input
              type="radio"
              name={name}
              value={option}
              checked={option === value}
              onChange={() => onChange(option)}
            />
            {text}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** Tabs as readers and keyboards expect them: one stop, arrows between them. */
export function Tabs<T extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}) {
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (!by) return;
    const at = options.findIndex(([option]) => option === value);
    const next = (at + by + options.length) % options.length;
    onChange(options[next]![0]);
    list.current?.querySelectorAll<HTMLElement>('[role=tab]')[next]?.focus();
    event.preventDefault();
  };
  return (
    <div class="tabs" role="tablist" aria-label={label} ref={list} onKeyDown={move}>
      {options.map(([option, text]) => (
        <button
          key={option}
          type="button"
          role="tab"
          aria-selected={option === value}
          tabIndex={option === value ? 0 : -1}
          onClick={() => onChange(option)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}

type DialogProps = {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  kind?: 'box' | 'drawer';
  footer?: ComponentChildren;
};

/** The browser's own modal dialog: it keeps the focus inside, gives it back, and closes with Escape. */
export function Dialog({ title, onClose, children, kind = 'box', footer }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  const latest = useRef(onClose);
  latest.current = onClose;
  useEffect(() => {
    const dialog = element.current!;
    const before = document.activeElement as HTMLElement | null;
    dialog.showModal();
    // On a phone, Back closes what covers the page instead of leaving it.
    const entry = kind === 'drawer';
    let isBack = false;
    const back = () => {
      isBack = true;
      latest.current();
    };
    if (entry) {
      history.pushState({ drawer: true }, '');
      addEventListener('popstate', back);
    }
    return () => {
      removeEventListener('popstate', back);
      if (entry && !isBack && history.state?.drawer) history.back();
      dialog.close();
      before?.focus?.({ preventScroll: true });
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={kind}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => event.target === element.current && onClose()}
    >
      <div class="dialog-body">
        <header>
          <h2 id={id}>{title}</h2>
          <button type="button" class="bare" aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        </header>
        <div class="dialog-content" tabIndex={-1}>
          {children}
        </div>
        {footer && <footer>{footer}</footer>}
      </div>
    </dialog>
  );
}

type FormProps = {
  title: string;
  verb: string; // On the button that sends it.
  busyVerb?: string; // The same while it is on its way.
  cancel?: string; // On a button that closes it; nothing: there is none.
  kind?: 'danger' | 'plain';
  isReady?: boolean; // False: it cannot be sent yet.
  problem?: Problem | null; // What else went wrong.
  onSubmit: () => Promise<void>; // Closes it, or says what came of it as `done`.
  done?: ComponentChildren; // Stands in the form's place then.
  doneAction?: ComponentChildren; // Beside the button that closes it.
  onClose: () => void;
  children: ComponentChildren;
};

/** A form in a dialog: sent once at a time; what the server refuses is told in it and can be mended there. */
export function FormDialog({
  title,
  verb,
  busyVerb = verb,
  cancel,
  kind = 'plain',
  isReady = true,
  problem: other = null,
  onSubmit,
  done,
  doneAction,
  onClose,
  children,
}: FormProps) {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await onSubmit();
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };
  if (done)
    return (
      <Dialog title={title} onClose={onClose}>
        <div class="stack">
          <p role="status">{done}</p>
          <div class="row end">
            {doneAction}
            <button type="button" onClick={onClose}>
              Done
            </button>
          </div>
        </div>
      </Dialog>
    );
  return (
    <Dialog title={title} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        {children}
        <ProblemBox problem={problem ?? other} />
        <div class="row end">
          {cancel && (
            <button type="button" class="quiet" onClick={onClose}>
              {cancel}
            </button>
          )}
          <button
            type="submit"
            class={kind === 'danger' ? 'danger' : undefined}
            disabled={isBusy || !isReady}
          >
            {isBusy ? busyVerb : verb}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

type ConfirmProps = {
  title: string;
  word?: string;
  verb: string;
  kind?: 'danger' | 'plain';
  onConfirm: () => Promise<void>;
  onClose: () => void;
  children: ComponentChildren;
};

/** Asks before something is gone for good, or (`plain`) is changed for all; with `word`, it must be typed. */
export function Confirm({
  title,
  word,
  verb,
  kind = 'danger',
  onConfirm,
  onClose,
  children,
}: ConfirmProps) {
  const [typed, setTyped] = useState('');
  return (
    <FormDialog
      title={title}
      verb={verb}
      cancel={kind === 'danger' ? 'Keep' : 'Cancel'}
      kind={kind}
      isReady={word === undefined || typed === word}
      onSubmit={async () => {
        await onConfirm();
        onClose();
      }}
      onClose={onClose}
    >
      <div>{children}</div>
      {word !== undefined && (
        <InputField
          label={`Type ${word} to go on`}
          value={typed}
          autocomplete="off"
          onInput={setTyped}
        />
      )}
    </FormDialog>
  );
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [state, setState] = useState('');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setState('Copied');
    } catch {
      setState('Copy it by hand');
    }
    setTimeout(() => setState(''), 2000);
  };
  return (
    <button type="button" class="quiet small" onClick={copy}>
      <Icon name={state === 'Copied' ? 'check' : 'copy'} />
      <span aria-live="polite">{state || label}</span>
    </button>
  );
}

/** A share of something, with its numbers in words beside it. */
export function Progress({ share, label }: { share: number | null; label: string }) {
  const percent = share === null ? undefined : Math.round(Math.min(1, Math.max(0, share)) * 100);
  return <progress class="bar" max={100} value={percent} aria-label={label} />;
}

/** The words of `query` in `text`, marked. Text stays text: nothing is parsed as markup. */
export function Marked({ text, words }: { text: string; words: string[] }) {
  if (!words.length) return <>{text}</>;
  // With an ending of up to three letters: "trace" marks "traces", as the index finds it.
  const pattern = new RegExp(
    `(?<![\\p{L}\\p{N}])((?:${words.join('|')})\\p{L}{0,3})(?![\\p{L}\\p{N}])`,
    'giu',
  );
  return (
    <>
      {text.split(pattern).map((part, i) =>
        i % 2 ? (
          <mark class="word" key={i}>
            {part}
          </mark>
        ) : (
          part
        ),
      )}
    </>
  );
}

const stopWords = new Set(
  'a an and are as at be by for from how in is it of on or that the this to was what when where which who why with does do can may'.split(
    ' ',
  ),
);
export function queryWords(query: string): string[] {
  const words = query.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return [...new Set(words.filter((word) => word.length > 1 && !stopWords.has(word)))].slice(0, 20);
}
