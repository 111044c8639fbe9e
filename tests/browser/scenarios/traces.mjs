// Traces, costs, budgets and the playground, as those who look for a fault or a bill use them.

import { readFileSync } from 'node:fs';

const row = '[data-testid=trace-row]';
const run = '[data-testid=run-row]';
const detail = '[data-testid=run-detail]';

const countOf = async (page) =>
  Number(await page.locator('[data-testid=trace-count]').textContent());

/** Waits until the number of matches is `count`; the list is then there, too. */
async function counted(page, count) {
  await page.waitForFunction(
    (wanted) =>
      Number(document.querySelector('[data-testid=trace-count]')?.textContent) === wanted &&
      document.querySelectorAll('[data-testid=trace-row]').length === Math.min(wanted, 50),
    count,
  );
}

async function post(visit, spans) {
  const reply = await visit.page.request.post(`${visit.base}/otlp/v1/traces`, { data: spans });
  visit.check(reply.ok(), `the spans were not taken: ${reply.status()}`);
}

export async function traces_are_found_by_filters_in_the_address(visit, { total, slow, refund }) {
  const { page } = visit;
  await visit.go('/traces', row);
  await counted(page, total);
  await page.getByTestId('search').fill('"refund of order"');
  await page.keyboard.press('Enter');
  await counted(page, refund);
  visit.check(
    new URL(page.url()).searchParams.get('q') === '"refund of order"',
    `the address does not have the search: ${page.url()}`,
  );
  await page.goBack();
  await counted(page, total);
  await visit.go('/traces?min_latency_ms=2000', row);
  await counted(page, slow);
  visit.check(
    (await page.getByTestId('min-latency').inputValue()) === '2000',
    'the field is empty',
  );
  for (const latency of await page
    .locator(row)
    .evaluateAll((rows) => rows.map((one) => Number(one.dataset.latencyMs))))
    visit.check(latency >= 2000, `a trace of ${latency} ms is among the slow ones`);
  await page.getByTestId('min-latency').fill('');
  await page.keyboard.press('Enter');
  await counted(page, total);
  await page.getByRole('button', { name: 'Errors', exact: true }).click();
  await page.waitForFunction(() =>
    [...document.querySelectorAll('[data-testid=trace-row]')].every(
      (one) => one.dataset.status === 'error',
    ),
  );
  visit.check(page.url().includes('status=error'), 'the quick filter is not in the address');
  await page.getByRole('button', { name: 'Clear' }).click();
  await counted(page, total);
  await page.getByRole('button', { name: 'Latency' }).click();
  await page.waitForFunction(() => location.search.includes('sort=-latency_ms'));
  await page.waitForFunction(() => {
    const all = [...document.querySelectorAll('[data-testid=trace-row]')].map((one) =>
      Number(one.dataset.latencyMs),
    );
    return all.length > 1 && all.every((value, i) => i === 0 || value <= all[i - 1]);
  });
}

export async function filters_are_kept_and_refusals_told(visit) {
  const { page } = visit;
  await visit.go('/traces?user_id=ada', row);
  await page.getByRole('button', { name: 'Save these filters' }).click();
  await page.getByLabel('Name').last().fill('of Ada');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.waitForFunction(() => location.search === '');
  await page.reload();
  await page.getByRole('button', { name: 'of Ada', exact: true }).click();
  await page.waitForFunction(() => location.search === '?user_id=ada');
  visit.expect('400');
  await visit.go('/traces?filter=%7B%22latency_ms%22%3A%7B%22%24above%22%3A1%7D%7D', '.problem');
  await visit.says(page.locator('.problem'), '$above', 'the wrong operator is not named');
  await visit.go('/traces?q=nobodyeverwrotethis', '.empty');
  await page.getByRole('button', { name: 'Clear the filters' }).click();
  await page.locator(row).first().waitFor();
}

export async function more_are_shown_page_by_page(visit, { total }) {
  const { page } = visit;
  await visit.go('/traces', row);
  await counted(page, total);
  for (let shown = 50; shown < total; shown += 50) {
    await page.getByRole('button', { name: 'Show more' }).click();
    await page.waitForFunction(
      ([selector, least]) => document.querySelectorAll(selector).length >= least,
      [row, Math.min(total, shown + 50)],
    );
  }
  const ids = await page.locator(row).evaluateAll((rows) => rows.map((r) => r.dataset.traceId));
  visit.check(ids.length === total, `${ids.length} rows of ${total}`);
  visit.check(new Set(ids).size === total, 'a trace stands in the list twice');
}

export async function what_fits_is_exported(visit, { slow, trace }) {
  const { page } = visit;
  const taken = async (click) => {
    const [download] = await Promise.all([page.waitForEvent('download'), click()]);
    return readFileSync(await download.path(), 'utf8');
  };
  await visit.go('/traces?min_latency_ms=2000', row);
  const lines = await taken(() => page.getByRole('link', { name: 'Export' }).click());
  const traces = lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  visit.check(traces.length === slow, `${traces.length} lines of ${slow} traces`);
  visit.check(
    traces.every((one) => one.latency_ms >= 2000 && one.roots.length > 0),
    'a line is no slow tree',
  );
  await visit.go(`/traces/${trace}`, run);
  const one = await taken(() => page.getByRole('link', { name: 'JSON' }).click());
  visit.check(JSON.parse(one).roots[0].inputs.question.length > 0, 'the file has no inputs');
}

export async function new_traces_appear_while_one_looks(visit, { fresh, later, name, laterName }) {
  const { page } = visit;
  await visit.go('/traces', row);
  const before = await countOf(page);
  await post(visit, fresh);
  await page.locator(row, { hasText: name }).waitFor({ timeout: 10_000 });
  await visit.says(page.locator(row).first(), name, 'the new one does not stand first');
  await page.waitForFunction(
    (was) => Number(document.querySelector('[data-testid=trace-count]').textContent) === was + 1,
    before,
  );
  await page.getByRole('switch', { name: 'Live' }).uncheck();
  await visit.settle();
  await post(visit, later);
  await page.waitForTimeout(3000);
  visit.check((await page.locator(row, { hasText: laterName }).count()) === 0, 'it still follows');
  await page.getByRole('switch', { name: 'Live' }).check();
  await page.locator(row, { hasText: laterName }).waitFor({ timeout: 10_000 });
}

export async function a_trace_opens_and_its_runs_are_read(visit, { trace, runs }) {
  const { page } = visit;
  await visit.go('/traces', row);
  await page.locator(`[data-trace-id="${trace}"] .preview`).click();
  await page.getByTestId('waterfall').locator(run).first().waitFor();
  visit.check(new URL(page.url()).pathname === `/traces/${trace}`, page.url());
  const shown = await page.locator(run).evaluateAll((rows) =>
    rows.map((one) => {
      const lane = one.querySelector('.run-lane').getBoundingClientRect();
      const bar = one.querySelector('[data-testid=run-bar]').getBoundingClientRect();
      return {
        id: one.dataset.runId,
        depth: Number(one.dataset.depth),
        status: one.dataset.status,
        left: (bar.left - lane.left) / lane.width,
        width: bar.width / lane.width,
      };
    }),
  );
  visit.check(shown.length === runs.length, `${shown.length} rows of ${runs.length} runs`);
  for (const [i, wanted] of runs.entries()) {
    const { id, depth, status, left, width } = shown[i];
    visit.check(id === wanted.id, `row ${i} is ${id}, not ${wanted.id}`);
    visit.check(depth === wanted.depth && status === wanted.status, `row ${i}: ${depth} ${status}`);
    visit.check(
      Math.abs(left - wanted.left) < 0.01 && Math.abs(width - wanted.width) < 0.01,
      `the bar of row ${i} is at ${left}, ${width} wide; not at ${wanted.left}, ${wanted.width}`,
    );
  }
  const model = runs.findIndex((one) => one.name.startsWith('chat'));
  await page.locator(run).nth(model).click();
  await page.locator(detail).getByText('own row').waitFor();
  const text = await page.locator(detail).textContent();
  for (const words of [
    'You answer for a shop',
    'Refunds take five days',
    'user',
    '420 in',
    '60 out',
  ])
    visit.check(text.includes(words), `the run does not show "${words}": ${text}`);
  visit.check((await page.locator(`${detail} .message`).count()) === 3, 'these are no messages');
  await page.waitForFunction(() => location.search.startsWith('?run=')); // A moment later.
  await page.getByTestId('inputs').getByRole('button', { name: 'Raw' }).click();
  await page.getByTestId('inputs').locator('.raw', { hasText: '"parts"' }).waitFor();
}

export async function an_error_is_found_in_its_trace(visit, { trace, words }) {
  const { page } = visit;
  await visit.go(`/traces/${trace}`, run);
  await page.getByRole('button', { name: 'Only errors' }).click();
  const statuses = await page
    .locator(run)
    .evaluateAll((rows) => rows.map((one) => one.dataset.status));
  visit.check(statuses.includes('error') && statuses.length < 6, `the rows are ${statuses}`);
  await page.getByLabel('Find a run').fill('chat');
  await page.locator(`${run}[data-status=error]`).last().click();
  await page.getByTestId('run-error').waitFor();
  await visit.says(page.getByTestId('run-error'), words, 'the error is not told');
}

export async function keys_walk_through_the_tree(visit, { trace }) {
  const { page } = visit;
  await visit.go(`/traces/${trace}`, run);
  const chosen = () =>
    page.evaluate(() => document.querySelector('.run-row.selected')?.dataset.index ?? null);
  await page.getByRole('tree').focus();
  await page.keyboard.press('ArrowDown');
  visit.check((await chosen()) === '0', 'down does not choose the first run');
  for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowDown');
  visit.check((await chosen()) === '3', `three times down leads to ${await chosen()}`);
  await page.keyboard.press('ArrowLeft'); // "write" has two below it.
  visit.check((await page.locator(run).count()) === 4, 'left does not close');
  await page.keyboard.press('ArrowRight');
  visit.check((await page.locator(run).count()) === 6, 'right does not open');
  await page.keyboard.press('ArrowRight');
  visit.check((await chosen()) === '4', 'right does not lead below');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  visit.check((await chosen()) === '0', 'left does not lead above');
  await page.keyboard.press('End');
  await page.keyboard.press('ArrowUp');
  await page.locator(detail).waitFor();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement.matches('.trace-detail'));
}

/** How long a trace takes to be seen, from the click on it. */
export async function thousands_of_runs_open_at_once(visit, { trace, count, broken }) {
  const { page } = visit;
  const times = [];
  for (let i = 0; i < 3; i++) {
    await visit.go('/traces', row);
    await visit.settle();
    times.push(
      await page.evaluate(
        ([id, selector]) =>
          new Promise((resolve) => {
            const began = performance.now();
            const look = () => {
              const bar = document.querySelector(`${selector} [data-testid=run-bar]`);
              if (bar && bar.getBoundingClientRect().width > 0)
                requestAnimationFrame(() => resolve(performance.now() - began));
              else requestAnimationFrame(look);
            };
            document.querySelector(`[data-trace-id="${id}"] a`).click();
            look();
          }),
        [trace, run],
      ),
    );
  }
  await page.waitForFunction(
    ([selector, wanted]) => document.querySelectorAll(selector).length === wanted,
    [run, count],
  );
  // Scrolling draws what comes into sight, and only that.
  const frames = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const scroller = document.querySelector('[data-testid=waterfall]');
        const gaps = [];
        let last = performance.now();
        const step = () => {
          const now = performance.now();
          gaps.push(now - last);
          last = now;
          scroller.scrollTop += 900;
          if (gaps.length < 60) requestAnimationFrame(step);
          else resolve(gaps.sort((a, b) => a - b));
        };
        requestAnimationFrame(step);
      }),
  );
  visit.check(
    (await page.locator(`${run} [data-testid=run-bar]`).count()) < 400,
    'rows out of sight are drawn',
  );
  await page.getByRole('tree').focus();
  await page.keyboard.press('End');
  await page.keyboard.press('ArrowUp');
  await page.locator(`${run}.selected [data-testid=run-bar]`).waitFor();
  await page.locator(detail).waitFor();
  await page.getByLabel('Find a run').fill(broken);
  await page.waitForFunction((selector) => document.querySelectorAll(selector).length === 3, run);
  return {
    open_ms: times.sort((a, b) => a - b),
    frame_ms: frames[Math.floor(frames.length * 0.9)],
  };
}

export async function deep_trees_are_whole(visit, { trace, levels }) {
  const { page } = visit;
  await visit.go(`/traces/${trace}`, run);
  await page.waitForFunction(
    ([selector, count]) => document.querySelectorAll(selector).length === count,
    [run, levels],
  );
  const depths = await page
    .locator(run)
    .evaluateAll((rows) => rows.map((one) => one.dataset.depth));
  visit.check(
    depths.every((depth, i) => Number(depth) === i),
    'a level is missing',
  );
  await page.getByRole('tree').focus();
  await page.keyboard.press('End');
  await page.locator(`${run}[data-depth="${levels - 1}"] .run-name`).waitFor();
  await page.locator(detail).waitFor();
  await visit.fits('a deep trace');
}

export async function two_runs_are_compared(visit, { a, b }) {
  const { page } = visit;
  await visit.go(`/traces/${a.trace}?run=${a.run}`, detail);
  await page.getByRole('button', { name: 'Compare', exact: true }).click();
  await visit.go(`/traces/${b.trace}?run=${b.run}`, detail);
  await page.getByRole('link', { name: 'With the marked run' }).click();
  await page.getByTestId('diff-inputs').waitFor();
  const gone = await page.getByTestId('diff-inputs').locator('del').allTextContents();
  const made = await page.getByTestId('diff-inputs').locator('ins').allTextContents();
  visit.check(gone.join('').includes('parcel'), `what is gone: ${gone}`);
  visit.check(made.join('').includes('kettle'), `what is new: ${made}`);
  visit.check(
    (await page.getByTestId('diff-outputs').getAttribute('data-same')) === 'true',
    'the outputs are the same',
  );
  await page.getByRole('row', { name: /^Cost/ }).waitFor();
  await visit.accessible('two runs');
  await visit.fits('two runs');
  await page.getByRole('button', { name: 'Swap' }).click();
  await page.locator('[data-testid=diff-inputs] ins', { hasText: 'parcel' }).waitFor();
}

export async function threads_are_read_as_conversations(visit, { session, turns }) {
  const { page } = visit;
  await visit.go('/traces', row);
  await page.getByRole('tab', { name: 'Threads' }).click();
  const thread = page.locator(`[data-testid=thread-row][data-session-id="${session}"]`);
  await thread.getByText(String(turns), { exact: true }).waitFor();
  await thread.getByRole('link').click();
  await page.locator('.thread-turn').first().waitFor();
  visit.check((await page.locator('.thread-turn').count()) === turns, 'a turn is missing');
  await visit.accessible('a thread');
  await page.goBack();
  await thread.waitFor();
}

export async function costs_add_up(visit, { total, groups }) {
  const { page } = visit;
  const group = '[data-testid=cost-group]';
  await visit.go('/costs', group);
  visit.check(
    Math.abs(Number(await page.getByTestId('cost-total').getAttribute('data-usd')) - total) < 1e-12,
    'the total is another one',
  );
  const shown = await page
    .locator(group)
    .evaluateAll((rows) => rows.map((one) => [one.dataset.key, Number(one.dataset.usd)]));
  visit.check(
    JSON.stringify(shown) === JSON.stringify(groups),
    `the groups are ${JSON.stringify(shown)}, not ${JSON.stringify(groups)}`,
  );
  await page.locator('.chart').first().waitFor();
  await page.getByText('Project', { exact: true }).first().click();
  await page.waitForFunction(() => location.search === '?group_by=project');
  await page.locator(`${group}[data-key=shop]`).waitFor();
  await page.locator(`${group}[data-key=shop] a`).click();
  await page.waitForFunction(() => location.pathname === '/traces');
  visit.check(page.url().includes('project=shop'), 'the link leads elsewhere');
  await visit.go('/costs?model=gpt-4o-mini', group);
  visit.check((await page.locator(group).count()) === 1, 'the filter in the address does nothing');
}

export async function costs_by_prompt_lead_to_traces(visit, { prompt, trace }) {
  const { page } = visit;
  const group = '[data-testid=cost-group]';
  await visit.go('/costs', group);
  await page.getByText('Prompt version', { exact: true }).first().click();
  await page.waitForFunction(() => location.search === '?group_by=prompt');
  await page.locator(`${group}[data-key="${prompt}"] a`).click();
  await page.waitForFunction(() => location.pathname === '/traces');
  await page.locator(`${row}[data-trace-id="${trace}"]`).waitFor();
  visit.check((await page.locator(row).count()) === 1, 'other traces are shown too');
  await visit.accessible('traces of a prompt');
}

export async function attachments_are_shown_or_saved(visit, { trace }) {
  const { page } = visit;
  await visit.go(`/traces/${trace}`, detail);
  const file = (name) => page.locator(`[data-testid=attachment][data-name="${name}"]`);
  await file('photo.png').waitFor();
  await page.waitForFunction(
    () => document.querySelector('[data-testid=attachment] img')?.naturalWidth > 0,
  );
  visit.check((await file('page.html').locator('img').count()) === 0, 'a page is shown');
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    file('page.html').getByRole('link').click(),
  ]);
  visit.check(saved.suggestedFilename() === 'page.html', `it is ${saved.suggestedFilename()}`);
  visit.check(!(await page.evaluate(() => window.stolen)), 'what was attached was run');
  await visit.accessible('attachments');
  await visit.fits('attachments');
}

export async function hostile_traces_stay_text(visit, { trace }) {
  const { page } = visit;
  await visit.go('/traces', row);
  await visit.go(`/traces/${trace}`, run);
  await page.locator(run).first().click();
  await page.locator(detail).waitFor();
  await page.locator(detail).getByText('<img src=x').first().waitFor();
  visit.check(!(await page.evaluate(() => window.stolen)), 'what a trace says was run');
  await visit.fits('a trace with long words');
}

export async function traces_are_deleted(visit, { trace }) {
  const { page } = visit;
  await visit.go(`/traces/${trace}`, run);
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.waitForFunction(() => location.pathname === '/traces');
  await page.locator(row).first().waitFor();
  visit.check(
    (await page.locator(`[data-trace-id="${trace}"]`).count()) === 0,
    'it is still there',
  );
  visit.expect('404');
  await visit.go(`/traces/${trace}`, '.problem');
}

export async function every_page_of_traces_is_accessible_and_fits(visit, { trace, wide, session }) {
  const { page } = visit;
  for (const [path, selector] of [
    ['/traces', row],
    ['/traces?view=threads', '[data-testid=thread-row]'],
    [`/traces?view=threads&session_id=${session}`, '.thread-turn'],
    [`/traces/${trace}`, run],
    [`/traces/${wide}`, run],
    ['/costs', '.chart'],
    ['/budgets', '.cards, .empty'],
    ['/prompts', 'h1'],
    ['/playground', 'form'],
    ['/traces/diff', '.empty'],
    ['/review', '.empty, [data-testid=queue]'],
  ]) {
    await visit.go(path, selector);
    await visit.settle();
    await visit.accessible(path);
    await visit.fits(path);
  }
  await visit.go('/traces', row);
  await page.getByRole('button', { name: /More filters/ }).click();
  await visit.accessible('all filters');
  await visit.fits('all filters');
  await visit.go(`/traces/${trace}`, run);
  await page.locator(run).nth(4).click();
  await page.locator(detail).waitFor();
  await page
    .locator(`${detail} details`)
    .last()
    .evaluate((more) => (more.open = true));
  await visit.accessible('a run');
  await visit.fits('a run');
  await visit.go('/costs', '.chart');
  await page.locator('.chart summary').first().click();
  await visit.accessible('the numbers of a chart');
  if (visit.width < 600) {
    await page.getByRole('button', { name: 'More', exact: true }).click();
    await visit.accessible('more pages');
    await page.getByRole('dialog').getByRole('link', { name: 'Playground' }).click();
    await page.getByRole('heading', { name: 'Playground', level: 1 }).waitFor();
  }
}
