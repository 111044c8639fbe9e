// What a prompt's variables are: typed here, or taken from the inputs of a run, and put in by the server.
import { useState } from 'preact/hooks';
import type { Problem } from '../api';
import { asProblem, useLoaded } from '../hooks';
import { observe, type PromptVersion, type RenderedPrompt } from '../observe';
import { Field, ProblemBox, Waiting } from './common';
import { replayable, textOf } from './messages';
import { Link } from '../router';

/** Texts stay texts; lists of messages are JSON. */
function valuesOf(version: PromptVersion, texts: Record<string, string>): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const { name, list, required } of version.variables) {
    const text = texts[name] ?? '';
    if (!text && !required) continue;
    values[name] = list ? JSON.parse(text || '[]') : text;
  }
  return values;
}

/** The variables that inputs have by name; the only one that is still empty gets what was asked last. */
function fromInputs(
  version: PromptVersion,
  inputs: unknown,
  typed: Record<string, string>,
): Record<string, string> {
  const texts: Record<string, string> = {};
  if (typeof inputs === 'object' && inputs !== null && !Array.isArray(inputs))
    for (const { name } of version.variables) {
      const value = (inputs as Record<string, unknown>)[name];
      if (value !== undefined) texts[name] = textOf(value);
    }
  const open = version.variables.filter(
    ({ name, list }) => !list && !(name in texts) && !typed[name],
  );
  if (open.length === 1) {
    const asked = replayable(inputs).filter((message) => message.role === 'user');
    if (asked.length) texts[open[0]!.name] = asked.at(-1)!.content;
  }
  return texts;
}

export function PromptVariables({
  name,
  reference,
  onRendered,
}: {
  name: string;
  reference: string;
  onRendered: (rendered: RenderedPrompt, variables: Record<string, unknown>) => void;
}) {
  const version = useLoaded(
    (signal) => observe.promptVersion(name, reference, signal),
    `${name}@${reference}`,
  );
  const [texts, setTexts] = useState<Record<string, string>>({});
  const [run, setRun] = useState('');
  const [problem, setProblem] = useState<Problem | null>(null);
  if (!version.value)
    return version.problem ? (
      <ProblemBox problem={version.problem} retry={version.reload} />
    ) : (
      <Waiting />
    );
  const value = version.value;
  const put = async () => {
    try {
      const variables = valuesOf(value, texts);
      onRendered(await observe.renderPrompt(name, String(value.version), variables), variables);
      setProblem(null);
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  const take = async () => {
    try {
      const taken = fromInputs(value, (await observe.run(run.trim(), '')).inputs, texts);
      setTexts((old) => ({ ...old, ...taken }));
      setProblem(null);
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <fieldset class="card stack tight" data-testid="prompt-variables">
      <legend class="hidden">Variables of the prompt</legend>
      <p>
        <Link href={`/prompts/${encodeURIComponent(name)}?version=${value.version}`}>{name}</Link>,
        version {value.version}
      </p>
      {value.variables.map((variable) => (
        <Field
          key={variable.name}
          label={variable.name + (variable.required ? '' : ' (if there)')}
          hint={variable.list ? 'A JSON list' : undefined}
        >
          {(attributes) => (
            <textarea
              {...attributes}
              rows={variable.list ? 3 : 1}
              class={variable.list ? 'code' : ''}
              value={texts[variable.name] ?? ''}
              onInput={(event) =>
                setTexts({ ...texts, [variable.name]: event.currentTarget.value })
              }
            />
          )}
        </Field>
      ))}
      <div class="row">
        <button type="button" class="quiet" onClick={() => void put()}>
          {value.variables.length ? 'Put them in' : 'Take its messages'}
        </button>
        {value.variables.length > 0 && (
          <>
            <input
              class="run-id"
              aria-label="Id of a run"
              placeholder="id of a run"
              value={run}
              autocomplete="off"
              spellcheck={false}
              onInput={(event) => setRun(event.currentTarget.value)}
            />
            <button type="button" class="quiet" disabled={!run.trim()} onClick={() => void take()}>
              Fill from its inputs
            </button>
          </>
        )}
      </div>
      <ProblemBox problem={problem} />
    </fieldset>
  );
}
