// Agents on the page: written, run, answered, gone back to.

const head = (status) => `[data-testid=run-head][data-status=${status}]`;
const nodeIn = (name, state) =>
  `[data-testid=graph-node][data-node="${name}"][data-state=${state}]`;
const question = (kind) => `[data-testid=question][data-kind=${kind}]`;

/** Starts a run of `desk` by its form; stands at its first question. */
async function started(visit, topic) {
  const { page } = visit;
  await visit.go('/agents/desk', '[data-testid=graph-node]');
  await page.getByLabel('topic').fill(topic);
  await page.getByRole('button', { name: 'Start' }).click();
  await page.locator(question('approval')).waitFor();
}

export async function an_agent_is_written_with_faults_at_their_lines(visit) {
  const { page } = visit;
  await visit.go('/agents', '[data-agent=desk]');
  await page.getByRole('button', { name: 'New agent' }).click();
  await page.locator('dialog input').fill('by-hand');
  await page.getByTestId('check-good').waitFor();
  const text = page.getByLabel('Text of the agent');
  const good = await text.inputValue();
  await text.fill(good.replace('ask -> END', 'aks -> END'));
  const fault = page.locator('[data-testid=faults] li[data-line="9"]').first();
  await fault.waitFor();
  await visit.says(fault, "'aks'", 'the fault does not name the node');
  visit.check(
    (await page.locator('.yaml-lines li.is-error').first().textContent()) === '9',
    'the line of the fault is not marked',
  );
  visit.check(
    await page.locator('dialog button[type=submit]').isDisabled(),
    'a text with faults can be created',
  );
  await fault.getByRole('button').click();
  visit.check(
    (await page.evaluate(() => {
      const area = document.activeElement;
      return area.value.slice(area.selectionStart, area.selectionEnd);
    })) === '  - aks -> END',
    'the link does not lead to the line',
  );
  await text.fill(good);
  await page.getByTestId('check-good').waitFor();
  await page.locator('dialog button[type=submit]').click();
  await page.locator('[data-testid=graph-node][data-node=ask]').waitFor();
  await page.getByRole('tab', { name: 'Text' }).click();
  await text.fill(good.replace('What about', 'And what about'));
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('button', { name: 'Undo' }).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Remove by-hand' }).click();
  await page.locator('dialog input').fill('by-hand');
  await page.locator('dialog button[type=submit]').click();
  await page.locator('[data-agent=desk]').waitFor();
  visit.check((await page.locator('[data-agent=by-hand]').count()) === 0, 'it is still there');
}

export async function a_run_is_watched_and_answered(visit) {
  const { page } = visit;
  await started(visit, 'slipways');
  await page.locator(nodeIn('write', 'done')).waitFor();
  await page.locator(nodeIn('compute', 'waiting')).waitFor();
  const steps = page.getByTestId('steps');
  await visit.says(steps, 'A slipway lets ships down', 'what the model said is not shown');
  await steps.locator('[data-key=notes]').getByText('seen by look').waitFor();
  await page.getByTestId('spent').getByText('left').waitFor();
  const approval = page.locator(question('approval'));
  await approval.getByRole('button', { name: 'Edit' }).click();
  await approval.getByLabel('expression').fill('20 + 3');
  await approval.getByRole('button', { name: 'Approve with these' }).click();
  const human = page.locator(question('human'));
  await human.waitFor();
  await page.locator(nodeIn('ask', 'waiting')).waitFor();
  await human.getByLabel('post').fill('Ships slide down it.');
  await human.getByRole('button', { name: 'Answer' }).click();
  await page.locator(head('done')).waitFor();
  const result = page.getByTestId('result');
  await result.getByText('Ships slide down it.').waitFor();
  await page.getByRole('button', { name: 'Replay' }).click();
  await page.getByTestId('replay-report').getByText('The same again').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('tab', { name: 'Calls' }).click();
  await page.locator('[data-testid=call]').nth(1).waitFor();
  await page.getByRole('tab', { name: 'Checkpoints' }).click();
  await page.locator('[data-testid=checkpoint][data-source=input]').waitFor();
  await page.locator('[data-testid=checkpoint] [data-key=sum]').getByText('23').waitFor();
}

export async function a_call_is_rejected_with_a_reason(visit) {
  const { page } = visit;
  await started(visit, 'rejections');
  const approval = page.locator(question('approval'));
  await approval.getByRole('button', { name: 'Reject' }).click();
  await approval.getByLabel('Why not').fill('not today');
  await approval.locator('button[type=submit]').click();
  await page.locator(head('done')).waitFor();
  await page.getByTestId('result').getByText('rejected: not today').waitFor();
  await page.locator(nodeIn('no', 'done')).waitFor();
}

export async function a_thread_is_forked_from_a_checkpoint(visit) {
  const { page } = visit;
  await started(visit, 'forks');
  await page.getByRole('tab', { name: 'Checkpoints' }).click();
  const input = page.locator('[data-testid=checkpoint][data-source=input]');
  await input.getByRole('button', { name: 'Fork' }).click();
  await page.getByLabel('With values as if').selectOption('write');
  await page.locator('dialog').getByLabel('text', { exact: true }).fill('From the fork.');
  await page.locator('dialog button[type=submit]').click();
  await page.locator('[data-testid=run-head]').waitFor();
  await page.getByRole('tab', { name: 'Checkpoints' }).click();
  await page.locator('[data-testid=checkpoint][data-source=fork]').first().waitFor();
  await page.getByText('From the fork.').first().waitFor();
}

export async function a_model_is_heard_while_it_speaks_and_stopped(visit) {
  const { page } = visit;
  await visit.go('/agents/slow', '[data-testid=graph-node]');
  await page.getByRole('button', { name: 'Start' }).click();
  await page.locator(nodeIn('think', 'running')).waitFor();
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.locator(head('cancelled')).waitFor();
  await page.getByRole('button', { name: 'Go on' }).waitFor();
}

export async function more_budget_is_given(visit) {
  const { page } = visit;
  await visit.go('/agents/poor', '[data-testid=graph-node]');
  await page.getByRole('button', { name: 'Start' }).click();
  const asked = page.locator(question('budget'));
  await asked.waitFor();
  await asked.getByLabel('tokens').fill('5000');
  await asked.getByRole('button', { name: 'Add to the budget' }).click();
  await page.locator(head('done')).waitFor();
}

export async function threads_are_found_by_their_state(visit) {
  const { page } = visit;
  await visit.go('/agents?tab=threads', '[data-testid=thread]');
  await page.getByLabel('State').selectOption('interrupted');
  await page.waitForFunction(() => location.search.includes('status=interrupted'));
  await page.locator('[data-testid=thread]').first().getByRole('link').click();
  await page.locator('[data-testid=question]').first().waitFor();
  await page.getByRole('button', { name: 'Remove this thread' }).click();
  await page.locator('dialog button[type=submit]').click();
  await page.getByRole('tab', { name: 'Threads' }).waitFor();
}

/** On a phone as on a desk: nobody has to look for what they are asked. */
export async function an_approval_is_seen_without_scrolling(visit, { waiting }) {
  const { page } = visit;
  await visit.go(`/agents/desk/threads/${waiting}`, question('approval'));
  const graph = page.locator('.graph-side .graph');
  await graph.waitFor();
  await visit.settle();
  const asked = await page.locator(question('approval')).boundingBox();
  const drawn = await graph.boundingBox();
  const button = await page
    .locator(question('approval'))
    .getByRole('button', { name: 'Approve' })
    .boundingBox();
  if (visit.width < 1000)
    visit.check(asked.y + asked.height <= drawn.y, 'the approval is not above the graph');
  else visit.check(drawn.x + drawn.width <= asked.x, 'the graph is not beside the approval');
  visit.check(button.y + button.height <= visit.height, 'one has to scroll to approve');
  await visit.picture(`approval-${visit.width}`);
}

/** All by keys: a node of the graph is chosen, a question answered. */
export async function a_question_is_answered_by_keys(visit) {
  const { page } = visit;
  await started(visit, 'keys');
  await page.locator('[data-testid=graph-node][data-node=write]').focus();
  await page.keyboard.press('Enter');
  await page.getByText('Only what write did.').waitFor();
  await page.locator(question('approval')).getByRole('button', { name: 'Approve' }).focus();
  await page.keyboard.press('Enter');
  await page.locator(question('human')).waitFor();
}

export async function every_page_of_agents_is_accessible_and_fits(visit, options) {
  const { theme, width, waiting, done } = options;
  const look = async (path, selector, name) => {
    await visit.go(path, selector);
    await visit.settle();
    await visit.accessible(path);
    await visit.fits(path);
    await visit.picture(`${name}-${theme}-${width}`);
  };
  await look('/agents', '[data-testid=agent]', 'agents');
  await look('/agents?tab=threads', '[data-testid=thread]', 'agent-threads');
  await look('/agents/desk', '[data-testid=graph-node]', 'agent');
  await look('/agents/research', '[data-testid=graph-node]', 'agent-research');
  await look('/agents/desk?tab=text', '[data-testid=check-good]', 'agent-text');
  await look(`/agents/desk/threads/${waiting}`, question('approval'), 'agent-waits');
  await look(`/agents/desk/threads/${done}`, head('done'), 'agent-done');
  await look(
    `/agents/desk/threads/${done}?tab=checkpoints`,
    '[data-testid=checkpoint]',
    'checkpoints',
  );
  await look(`/agents/desk/threads/${done}?tab=calls`, '[data-testid=call]', 'calls');
}

export async function hostile_states_stay_text(visit, { thread }) {
  const { page } = visit;
  await visit.go(`/agents/desk/threads/${thread}`, question('approval'));
  await page.getByRole('tab', { name: 'Checkpoints' }).click();
  await page.locator('[data-testid=checkpoint]').first().waitFor();
  await visit.fits('checkpoints with hostile values');
  visit.check((await page.evaluate(() => window.stolen)) === undefined, 'a value became markup');
}
