// The page of the API: every route with a form to try it, offline.

const operation = (page, name) => page.locator(`details.operation#${name}`);

/** By keyboard alone: from the link in the list to the form. */
async function open(visit, name) {
  const { page } = visit;
  const summary = operation(page, name).locator('> summary');
  await page.locator(`nav a[href="#${name}"]`).focus();
  await page.keyboard.press('Enter');
  await operation(page, name).locator('form').waitFor();
  visit.check(
    await summary.evaluate((element) => document.activeElement === element),
    `the link to ${name} does not lead there`,
  );
  const outline = await summary.evaluate((element) => getComputedStyle(element).outlineStyle);
  visit.check(outline === 'solid', 'the focus cannot be seen');
}

/** Sends the form with the keyboard; gives what is told about the answer, and the answer. */
async function send(visit, name) {
  const { page } = visit;
  const form = operation(page, name).locator('form');
  await form.getByRole('button', { name: 'Send' }).focus();
  await page.keyboard.press('Enter');
  await form.locator('.ok, .failed').waitFor();
  await form.getByRole('button', { name: 'Send', disabled: false }).waitFor();
  return {
    status: await form.locator('.ok, .failed').textContent(),
    answer: await form.getByLabel('Answer').textContent(),
    command: await form.locator('pre').first().textContent(),
  };
}

export async function api_page_lists_and_sends(visit) {
  const { page } = visit;
  await visit.go('/docs', '.operation');
  const routes = await page.evaluate(async () => {
    const { paths } = await (await fetch('/openapi.json')).json();
    return Object.values(paths).flatMap((methods) => Object.values(methods).map((one) => one.operationId));
  });
  const shown = await page.locator('.operation').evaluateAll((all) => all.map((one) => one.id));
  visit.check(
    routes.length > 30 && [...routes].sort().join() === [...shown].sort().join(),
    `shown are ${shown}, and there are ${routes}`,
  );
  await visit.accessible('the list of routes');
  await visit.fits('the list of routes');

  // What is found, and nothing around it.
  await page.locator('body').press('/');
  await page.keyboard.type('receipts replay');
  await page.getByText('1 operation', { exact: true }).waitFor();
  visit.check(
    (await page.locator('.operation:visible').count()) === 1 &&
      (await page.locator('section:visible').count()) === 1,
    'what was not searched for is shown',
  );
  await page.getByLabel('Find').fill('');

  await open(visit, 'search');
  const body = operation(page, 'search').getByLabel('Body');
  await body.fill('{"query": "stale citation", "limit": 2}');
  const found = await send(visit, 'search');
  visit.check(
    found.status === '200 OK' && JSON.parse(found.answer).items.length === 2,
    `a search is answered with ${found.status}: ${found.answer}`,
  );
  visit.check(
    found.command.includes('/api/search') && !found.command.includes('x-slipway-ui'),
    `the command is ${found.command}`,
  );
  await visit.accessible('an answer');
  await visit.fits('an answer');

  visit.expect('400');
  await body.fill('{"query": "stale", "limit": -1}');
  await body.press('Control+Enter');
  await operation(page, 'search').locator('.failed').waitFor();
  // The body of the answer follows its status.
  await operation(page, 'search').getByLabel('Answer').filter({ hasText: '/body/limit' }).waitFor();
  await visit.accessible('an error');

  visit.expect('404');
  await open(visit, 'get_collection');
  const field = operation(page, 'get_collection').getByLabel('collection');
  await field.fill('');
  await field.press('Enter');
  visit.check(
    !(await operation(page, 'get_collection').locator('pre').count()),
    'a path without its parameter is sent',
  );
  await field.fill('none');
  const none = await send(visit, 'get_collection');
  visit.check(
    none.status === '404 Not Found' && none.answer.includes("collection 'none' does not exist"),
    `a missing collection is answered with ${none.status}: ${none.answer}`,
  );

  // Events are shown as they come.
  await open(visit, 'ask');
  const ask = operation(page, 'ask');
  await ask.getByLabel('Body').fill('{"question": "When is a citation stale?", "mode": "extract"}');
  await ask.getByLabel('Accept').selectOption('text/event-stream');
  const told = await send(visit, 'ask');
  visit.check(
    told.answer.includes('event: passages') && told.answer.includes('event: done'),
    `a stream is shown as ${told.answer.slice(0, 500)}`,
  );

  // A file, and what it became.
  await open(visit, 'ingest');
  const ingest = operation(page, 'ingest');
  await ingest.getByLabel('Media type of the body').selectOption('multipart/form-data');
  await ingest.getByLabel('collection').fill(`docs-${visit.width}-${visit.theme}`);
  await ingest.getByLabel('wait').selectOption('true');
  await ingest.getByLabel('files').setInputFiles({
    name: 'lock.md',
    mimeType: 'text/markdown',
    buffer: Buffer.from('# Lock\n\nThe lock gate opens at seven.\n'),
  });
  const added = await send(visit, 'ingest');
  visit.check(
    added.status.startsWith('20') && JSON.parse(added.answer).added === 1,
    `a file is answered with ${added.status}: ${added.answer}`,
  );
  await visit.accessible('open routes');
  await visit.fits('open routes');
  const raw = await page.locator('main').evaluate((main) => {
    main.querySelectorAll('textarea, pre').forEach((element) => element.remove());
    return main.textContent.match(/.{0,40}`.{0,40}/)?.[0] ?? '';
  });
  visit.check(!raw, `a mark of the source is shown: ${raw}`);
}
