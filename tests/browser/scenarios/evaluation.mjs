// Datasets, experiments and comparisons, as those who measure use them.

const example = '[data-testid=example-row]';

const rowsOf = (page, selector) => page.locator(selector).count();

async function counted(page, selector, wanted) {
  await page.waitForFunction(
    ([one, count]) => document.querySelectorAll(one).length === count,
    [selector, wanted],
  );
}

export async function datasets_are_found_and_read(visit, { count }) {
  const { page } = visit;
  await visit.go('/datasets', '[data-dataset=handbook]');
  await page.getByLabel('Find a dataset').fill('hand');
  await counted(page, '[data-testid=dataset]', 1);
  await page.getByRole('link', { name: 'handbook', exact: true }).click();
  await page.locator(example).first().waitFor();
  await counted(page, example, count);
  await page.getByRole('button', { name: 'train', exact: true }).click();
  await page.waitForFunction(() => location.search.includes('split=train'));
  await counted(page, example, 4);
  await page.getByRole('button', { name: 'All splits' }).click();
  await counted(page, example, count);
  await page.locator(`${example} button`).nth(1).click();
  const detail = page.getByTestId('example-detail');
  await detail.waitFor();
  await visit.says(detail, 'Whoever has the role read.', 'the expected output is not shown');
  // Arrows walk through the list.
  await page.locator(`${example} button`).nth(1).press('ArrowDown');
  await page.waitForFunction(() =>
    document
      .querySelector('[data-testid=example-detail]')
      ?.textContent.includes('The most that a call can cost.'),
  );
  // At the root LangSmith's clients have their datasets where the page has its own.
  const reply = await page.request.get(`${visit.base}/datasets`);
  visit.check(Array.isArray(await reply.json()), 'clients of LangSmith get no list');
}

export async function examples_are_added_changed_and_removed(visit) {
  const { page } = visit;
  await visit.go('/datasets', 'h1');
  await page.getByRole('button', { name: 'New dataset' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('by hand');
  await page.getByLabel('What it is for').fill('A try');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByText('No examples yet').waitFor();
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByLabel('Input').fill('How many?');
  await page.getByLabel('What should come out').fill('Four.');
  await page.getByRole('textbox', { name: 'Splits' }).fill('train, hard');
  await page.getByText('JSON', { exact: true }).click();
  visit.check(
    (await page.getByLabel('Outputs that are expected').inputValue()).includes('"Four."'),
    'the text is not in the JSON',
  );
  await page.getByLabel('Metadata').fill('{"severity": "critical"');
  await page.locator('dialog button[type=submit]').click();
  await page.locator('dialog .problem').waitFor();
  await page.getByLabel('Metadata').fill('{"severity": "critical"}');
  await page.locator('dialog button[type=submit]').click();
  await counted(page, example, 1);
  await page.locator(example).getByText('critical').waitFor();
  await page.locator(`${example} button`).click();
  await page.getByTestId('example-detail').getByRole('button', { name: 'Edit' }).click();
  await page.getByLabel('What should come out').fill('Five.');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator(example).getByText('Five.').waitFor();
  await page.getByTestId('example-detail').getByRole('button', { name: 'Remove' }).click();
  await page.locator('dialog').getByRole('button', { name: 'Remove' }).click();
  await page.getByText('No examples yet').waitFor();
  await page.getByRole('tab', { name: 'Versions' }).click();
  await counted(page, '[data-testid=dataset-version]', 3);
  await page.locator('[data-testid=example-change][data-kind=removed]').waitFor();
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('by both hands');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.waitForFunction(() => location.pathname === '/datasets/by%20both%20hands');
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByLabel('Type by both hands').fill('by both hands');
  await page.locator('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.waitForFunction(() => location.pathname === '/datasets');
}

export async function files_are_imported(visit, { file, wrong }) {
  const { page } = visit;
  await visit.go('/datasets', 'h1');
  await page.getByRole('button', { name: 'New dataset' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('imported');
  await page.getByLabel('Files').setInputFiles(file);
  await page.getByRole('button', { name: 'Create' }).click();
  await page.locator(example).first().waitFor();
  await counted(page, example, 2);
  visit.expect('400');
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await page.getByLabel('Files').setInputFiles(wrong);
  await page.locator('dialog button[type=submit]').click();
  await page.locator('dialog .problem').waitFor();
  await visit.says(
    page.locator('dialog .problem'),
    'line 1',
    'the line that is wrong is not named',
  );
  await page.keyboard.press('Escape');
  await counted(page, example, 2);
}

export async function versions_are_named_and_compared(visit) {
  const { page } = visit;
  await visit.go('/datasets/handbook?tab=versions', '[data-testid=dataset-version]');
  await page.getByRole('button', { name: 'Name it' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('release 1');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('[data-testid=dataset-version]').getByText('release 1').waitFor();
  await page.getByRole('tab', { name: 'Examples' }).click();
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByLabel('Input').fill('Is it new?');
  await page.locator('dialog button[type=submit]').click();
  await page.locator(example).getByText('Is it new?').waitFor();
  await page.getByRole('tab', { name: 'Versions' }).click();
  const change = page.locator('[data-testid=example-change][data-kind=added]');
  await change.waitFor();
  await visit.says(change, 'Is it new?', 'what is new is not shown');
  await page.getByTestId('dataset-version').nth(1).click();
  await page.getByRole('button', { name: 'Its examples' }).click();
  await counted(page, example, 12);
  visit.check(
    (await page.getByRole('button', { name: 'Add', exact: true }).count()) === 0,
    'an old version can be changed',
  );
  await page.getByRole('button', { name: 'Back to the current version' }).click();
  await counted(page, example, 13);
  await page.locator(example).filter({ hasText: 'Is it new?' }).getByRole('button').click();
  await page.getByTestId('example-detail').getByRole('button', { name: 'Remove' }).click();
  await page.locator('dialog').getByRole('button', { name: 'Remove' }).click();
  await counted(page, example, 12);
}

export async function experiments_are_read_case_by_case(visit, { id }) {
  const { page } = visit;
  await visit.go('/datasets/handbook?tab=experiments', '[data-testid=evaluation-row]');
  await page.locator(`[data-evaluation="${id}"] a`).click();
  const correct = page.locator('[data-testid=metric-table] [data-metric=correct]');
  await correct.waitFor();
  await visit.says(correct, '0.500', 'the mean is not shown');
  visit.check(/0\.\d+ – 0\.\d+/.test(await correct.textContent()), 'the interval is not shown');
  await counted(page, '[data-testid=item-row]', 12);
  await page.getByRole('button', { name: 'Failing only' }).click();
  await counted(page, '[data-testid=item-row]', 6);
  await page.locator('[data-testid=item-row] button').first().click();
  const detail = page.getByTestId('item-detail');
  await detail.getByText('not in the handbook').waitFor();
  await detail.getByRole('button', { name: 'Differences' }).click();
  await detail.locator('ins').first().waitFor();
  await detail.getByRole('link', { name: 'Its trace' }).click();
  await page.getByTestId('waterfall').waitFor();
}

export async function experiments_are_compared_side_by_side(visit, { first, second }) {
  const { page } = visit;
  await visit.go('/evaluations', `[data-evaluation="${first}"]`);
  await page.locator(`[data-evaluation="${second}"] input`).check();
  await page.locator(`[data-evaluation="${first}"] input`).check();
  await page.getByRole('button', { name: 'Compare 2' }).click();
  const table = page.locator('[data-testid=comparison-table] [data-metric=correct]');
  await table.waitFor();
  await visit.says(table, '+0.250', 'the difference is not shown');
  visit.check(page.url().includes(`baseline=${first}`), 'the older one is not the baseline');
  await table.getByRole('button').click();
  await page.waitForFunction(() => location.search.includes('metric=correct'));
  await page.locator('[data-testid=change-row][data-change="-1"]').first().waitFor();
  const changes = await page
    .locator('[data-testid=change-row]')
    .evaluateAll((rows) => rows.map((row) => Number(row.dataset.change)));
  visit.check(
    changes.length === 12 && changes.every((value, i) => i === 0 || value >= changes[i - 1]),
    `the cases are not in order: ${changes}`,
  );
  await page.locator('[data-testid=change-row] button').first().click();
  await page.getByTestId('answer-candidate').getByText('Nobody').first().waitFor();
  await page.getByText('Traces', { exact: true }).last().click();
  await page.getByTestId('waterfall').nth(1).waitFor();
  visit.check((await rowsOf(page, '[data-testid=run-row]')) >= 4, 'the traces have no runs');
  await page.getByRole('button', { name: 'Changed only' }).click();
  await counted(page, '[data-testid=change-row]', 9);
  await page.getByRole('button', { name: 'Swap' }).click();
  await page.waitForFunction((id) => location.search.includes(`baseline=${id}`), second);
  await page.locator('[data-metric=correct]').getByText('−0.250').waitFor();
}

export async function an_evaluation_is_started_and_read(visit) {
  const { page } = visit;
  await visit.go('/datasets/numbers', example);
  await page.getByRole('link', { name: 'Evaluate' }).click();
  await page.getByTestId('new-evaluation').waitFor();
  visit.check(await page.getByRole('button', { name: 'Start' }).isDisabled(), 'it needs no metric');
  await page.getByLabel('Name of the evaluation').fill('from the page');
  await page.getByLabel('Find a metric').fill('token_f1');
  await page.locator('[data-metric=token_f1] input[type=checkbox]').first().check();
  await page.getByLabel('Find a metric').fill('exact');
  await page.locator('[data-metric=exact_match] input[type=checkbox]').first().check();
  await page.getByLabel('exact_match passes from').fill('1');
  await visit.accessible('a new evaluation');
  await visit.fits('a new evaluation');
  await visit.picture(`new-${visit.width}`);
  await page.getByRole('button', { name: 'Start' }).click();
  await page.locator('[data-testid=evaluation][data-state=done]').waitFor();
  const exact = page.locator('[data-testid=metric-table] [data-metric=exact_match]');
  await visit.says(exact, '0.750', 'the mean is not shown');
  await page.locator('.state.gone').getByText('below its bounds').waitFor();
  await page.getByRole('button', { name: 'Failing only' }).click();
  await counted(page, '[data-testid=item-row]', 6);
  await page.locator('[data-testid=item-row] button').first().click();
  const detail = page.getByTestId('item-detail');
  await detail.getByRole('button', { name: 'Add to the regression set' }).click();
  await page.getByLabel('What should have come').fill('It is none');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('link', { name: 'Open the set' }).click();
  await page.locator(example).getByText('critical').waitFor();
  await page.goBack();
  await page.getByRole('link', { name: 'Run again' }).click();
  await page.locator('[data-metric=exact_match] input[type=checkbox]').first().waitFor();
  visit.check(
    (await page.getByLabel('exact_match passes from').inputValue()) === '1',
    'the suite is not filled in again',
  );
  await page.getByLabel('Name of the evaluation').fill('once more');
  await page.getByRole('button', { name: 'Start' }).click();
  await page.locator('[data-testid=evaluation][data-state=done]').waitFor();
  await page.getByLabel('Compare with a baseline').selectOption({ index: 1 });
  const same = page.locator('[data-testid=comparison-table] [data-metric=exact_match]');
  await same.getByText('no clear change').waitFor();
}

export async function a_running_evaluation_is_watched_and_cancelled(visit, { suite }) {
  const { page } = visit;
  const reply = await page.request.post(`${visit.base}/api/evaluations`, { data: suite });
  visit.check(reply.status() === 202, `it did not begin: ${await reply.text()}`);
  const { evaluation } = await reply.json();
  await visit.go(`/evaluations/${evaluation.id}`, '[data-testid=evaluation-progress]');
  await page.getByText(/^[1-9]\d* of 24 cases$/).waitFor();
  await visit.accessible('a running evaluation');
  await visit.picture('running');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.locator('[data-testid=evaluation][data-state=cancelled]').waitFor();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.locator('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.waitForFunction(() => location.pathname === '/evaluations');
}

export async function evaluators_are_made_and_changed(visit) {
  const { page } = visit;
  await visit.go('/evaluations?tab=traffic', '.empty');
  await page.getByRole('button', { name: 'New evaluator' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('polite');
  await page.getByLabel('Key of its scores').fill('polite');
  await page.getByLabel('Text').fill('please');
  await page.getByLabel('Share of the traces, %').fill('12.5');
  await page.getByLabel('Filter').fill('{"model": ');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.locator('dialog .problem').waitFor();
  await page.getByLabel('Filter').fill('{"model": "gpt-4o"}');
  await page.getByRole('button', { name: 'Create' }).click();
  const card = page.locator('[data-evaluator=polite]');
  await card.waitFor();
  visit.check(
    (await card.getByTestId('sample').textContent()) === '13 %',
    'the share is not shown',
  );
  await card.getByRole('switch').click();
  await page.waitForFunction(
    () => !document.querySelector('[data-evaluator=polite] input')?.checked,
  );
  await card.getByRole('button', { name: 'Delete' }).click();
  await page.locator('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.locator('.empty').waitFor();
}

export async function hostile_examples_stay_text(visit) {
  const { page } = visit;
  await visit.go('/datasets/hostile', example);
  await page.locator(`${example} button`).click();
  await page.getByTestId('example-detail').waitFor();
  await visit.fits('a hostile example');
  visit.check(!(await page.evaluate(() => window.stolen)), 'a script of an example ran');
}

export async function every_page_of_evaluations_is_accessible_and_fits(visit, options) {
  const { first, second, theme, width } = options;
  const look = async (path, selector, name) => {
    await visit.go(path, selector);
    await visit.settle();
    await visit.accessible(path);
    await visit.fits(path);
    await visit.picture(`${name}-${theme}-${width}`);
  };
  await look('/datasets', '[data-testid=dataset]', 'datasets');
  await look('/datasets/handbook', example, 'dataset');
  const id = await visit.page.locator(example).first().getAttribute('data-example-id');
  await look(`/datasets/handbook?example=${id}`, '[data-testid=example-detail]', 'example');
  await look('/datasets/handbook?tab=versions', '[data-testid=dataset-version]', 'versions');
  await look('/datasets/handbook?tab=experiments', '[data-testid=evaluation-row]', 'experiments');
  await look('/evaluations', '[data-testid=evaluation-row]', 'evaluations');
  await look(`/evaluations/${first}`, '[data-testid=item-row]', 'evaluation');
  await look(`/evaluations/${first}?item=${id}`, '[data-testid=item-detail]', 'case');
  const both = `/evaluations/compare?baseline=${first}&candidate=${second}`;
  await look(both, '[data-testid=change-row]', 'compare');
  await look(`${both}&item=${id}`, '[data-testid=change-detail]', 'compared');
  await look('/evaluations?tab=traffic', '.empty', 'traffic');
  if (width < 600) return;
  await visit.go('/datasets/handbook', example);
  await visit.page.getByRole('button', { name: 'Add', exact: true }).click();
  await visit.accessible('the editor of examples');
  await visit.picture(`editor-${theme}`);
}
