// Budgets, prompts, the playground, and what a run gives on: to people's opinions and to datasets.

const detail = '[data-testid=run-detail]';

export async function the_playground_asks_what_a_run_was_asked(visit, { trace, run: asked }) {
  const { page } = visit;
  await visit.go(`/traces/${trace}?run=${asked}`, detail);
  await page.getByRole('link', { name: 'Replay in playground' }).click();
  await page.getByTestId('playground-message').first().waitFor();
  const words = await page
    .locator('.compose textarea')
    .evaluateAll((all) => all.map((a) => a.value));
  visit.check(words[0].startsWith('You answer for a shop'), `it begins with ${words}`);
  await page.getByLabel('Model', { exact: true }).fill('smollm2-135m-instruct');
  await page.locator('.options summary').click();
  await page.getByLabel('Tokens at most').fill('6');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.locator('[data-testid=reply][data-done=true]').waitFor({ timeout: 60_000 });
  const said = await page.getByTestId('reply-text').textContent();
  visit.check(said.trim().length > 0, 'the model says nothing');
  await page.getByText('6 out').waitFor();
  visit.expect('404');
  await page.getByLabel('Model', { exact: true }).fill('nobody');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.locator('.reply .problem', { hasText: 'nobody' }).waitFor();
}

export async function budgets_are_made_changed_and_deleted(visit) {
  const { page } = visit;
  await visit.go('/budgets', '.empty, .cards');
  await page.getByRole('button', { name: 'New budget' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('every user');
  await dialog.getByRole('button', { name: 'Narrow down' }).click();
  await dialog.getByLabel('What').selectOption('user');
  await dialog.getByLabel('Which user').fill('*');
  await dialog.getByLabel('Dollars at most').fill('0.25');
  await dialog.getByRole('button', { name: 'Alert' }).click();
  await dialog.getByLabel('Address that is told').fill('http://127.0.0.1:9/told');
  await visit.accessible('a new budget');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { name: 'every user', level: 1 }).waitFor();
  await page.getByText('each user').first().waitFor();
  await page.getByText('No call has come yet.').waitFor();
  await page.getByRole('button', { name: 'Change' }).click();
  await dialog.getByLabel('Dollars at most').fill('0.5');
  await dialog.getByLabel('When it is used up').selectOption('clamp');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('replies shortened to what is left').waitFor();
  await visit.accessible('a budget');
  await visit.fits('a budget');
  await page.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.waitForFunction(() => location.pathname === '/budgets');
}

export async function prompts_are_written_tagged_and_tried(visit, { name, run: asked }) {
  const { page } = visit;
  const dialog = page.getByRole('dialog');
  await visit.go('/prompts', '.empty, .cards');
  await page.getByRole('button', { name: 'New prompt' }).first().click();
  await dialog.getByRole('textbox', { name: 'Name' }).fill(name);
  await dialog.getByLabel('Message 1', { exact: true }).fill('You answer for {shop}.');
  await dialog.getByLabel('Message 2', { exact: true }).fill('{question}');
  await dialog.getByLabel('What has changed').fill('First words');
  await dialog.getByLabel('Tags').fill('production');
  await visit.accessible('a new prompt');
  await dialog.getByRole('button', { name: 'Save the version' }).click();
  await page.locator('[data-testid=prompt-version][data-version="1"]').waitFor();
  await page.getByRole('button', { name: 'Next version' }).click();
  await dialog.getByLabel('Message 1', { exact: true }).fill('You answer for {shop}. Be brief.');
  await dialog.getByLabel('What has changed').fill('Briefer');
  await dialog.getByRole('button', { name: 'Save the version' }).click();
  await page.locator('[data-testid=prompt-version][data-version="2"]').waitFor();
  await page.getByLabel('Compare with').selectOption('1');
  await page.locator('[data-testid=prompt-diff] ins', { hasText: 'Be brief.' }).waitFor();
  await visit.accessible('two versions');
  await page.getByLabel('Compare with').selectOption('');
  await page.getByRole('button', { name: 'Tag', exact: true }).click();
  await dialog.getByRole('button', { name: 'Tag', exact: true }).click();
  await page.getByRole('button', { name: 'Remove the tag production' }).waitFor();
  await page.getByRole('button', { name: 'Traffic' }).click();
  await dialog.getByLabel('Share 1', { exact: true }).fill('1');
  await dialog.getByLabel('Version or tag 1', { exact: true }).fill('production');
  await dialog.getByLabel('Version or tag 2', { exact: true }).fill('1');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Traffic: production 1, 1 10').waitFor();
  await visit.accessible('a prompt');
  await visit.fits('a prompt');
  await page.getByRole('link', { name: 'Try' }).click();
  await page.getByLabel('shop').fill('the kettle shop');
  await page.getByLabel('Id of a run').fill(asked);
  await page.getByRole('button', { name: 'Fill from its inputs' }).click();
  await page.waitForFunction(() =>
    [...document.querySelectorAll('[data-testid=prompt-variables] textarea')].every(
      (field) => field.value,
    ),
  );
  await page.getByRole('button', { name: 'Put them in' }).click();
  await page.getByTestId('named-prompt').waitFor();
  visit.check(
    (await page.getByLabel('Message 1', { exact: true }).inputValue()) ===
      'You answer for the kettle shop. Be brief.',
    'the variable is not put in',
  );
  await page.getByLabel('Model', { exact: true }).fill('smollm2-135m-instruct');
  await page.locator('.options summary').click();
  await page.getByLabel('Tokens at most').fill('4');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.locator('[data-testid=reply][data-done=true]').waitFor({ timeout: 60_000 });
  await page.getByText('4 out').waitFor();
  return { trace: await page.getByRole('link', { name: 'its trace' }).getAttribute('href') };
}

export async function a_run_is_judged_and_kept(visit, { trace, run }) {
  const { page } = visit;
  await visit.go(`/traces/${trace}?run=${run}`, detail);
  await page.getByRole('button', { name: 'Good', exact: true }).click();
  await page.getByTestId('run-feedback').getByText('user_score').waitFor();
  await page.getByRole('button', { name: 'Add to dataset' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name of the new dataset').fill('from the page');
  await dialog.getByLabel('What it should have answered').fill('{"answer": "five days"}');
  await visit.accessible('adding to a dataset');
  await dialog.getByRole('button', { name: 'Add' }).click();
  await dialog.getByText('It is in from the page now.').waitFor();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await visit.go('/traces?status=error', '[data-testid=trace-row]');
  await page.getByRole('button', { name: 'Add them to a dataset' }).click();
  await dialog.getByRole('button', { name: 'Add' }).click();
  await dialog.getByText(/examples came to from the page/).waitFor();
}

export async function runs_wait_for_a_person(visit, { runs }) {
  const { page } = visit;
  const dialog = page.getByRole('dialog');
  await visit.go('/review', '.empty');
  await page.getByRole('button', { name: 'New queue' }).click();
  await dialog.getByLabel('Name').fill('refunds');
  await dialog.getByLabel('What to look at').fill('Does it say how long it takes?');
  await visit.accessible('making a queue');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await page.getByText('Nothing waits here').waitFor();
  for (const { trace, run } of runs) {
    await visit.go(`/traces/${trace}?run=${run}`, detail);
    await page.getByRole('button', { name: 'Queue for review' }).click();
    await dialog.getByRole('button', { name: 'Add' }).click();
    await dialog.getByText('It waits').waitFor();
    await dialog.getByRole('button', { name: 'Done' }).click();
  }
  await visit.go('/review', '[data-testid=queue]');
  await visit.says(page.getByTestId('queue'), '2 runs to look at', 'the card does not count');
  await page.getByRole('link', { name: 'refunds' }).click();
  const inFront = (number) =>
    page.locator(`[data-testid=run-detail][data-run-id="${runs[number].run}"]`).waitFor();
  await inFront(0);
  await page.getByText('Does it say how long it takes?').waitFor();
  await visit.accessible('a run to review');
  await page.keyboard.press('l');
  await inFront(1);
  await page.getByLabel('Score of').fill('says_how_long');
  await page.getByLabel('Comment').fill('five days');
  await page.getByRole('button', { name: 'Good, next' }).click();
  await inFront(0);
  await visit.says(page.getByTestId('queue-sizes'), '1 run to look at, 1 done', 'not counted');
  visit.check((await page.getByLabel('Score of').inputValue()) === 'says_how_long', 'the key is gone');
  await page.getByLabel('Comment').press('g');
  visit.check((await page.getByLabel('Comment').inputValue()) === 'g', 'a letter is no text');
  await page.getByRole('button', { name: 'Done without a score' }).click();
  await page.getByText('Nothing waits here').waitFor();
  await visit.says(page.getByTestId('queue-sizes'), '2 done', 'the last one is not counted');
  await page.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('No queues yet').waitFor();
}

/** For docs/images: 1200 by 750, light. */
export async function pictures_of_traces(visit, { folder, trace, run }) {
  const { page } = visit;
  const shot = async (name) => {
    await visit.settle();
    await page.evaluate(() => document.activeElement.blur());
    await page.screenshot({ path: `${folder}/${name}.png` });
  };
  await visit.go(`/traces/${trace}?run=${run}`, detail);
  await shot('page-trace');
  await visit.go('/costs', '.chart');
  await shot('page-costs');
}
