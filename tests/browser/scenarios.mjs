// What people do on the page. Each gets a Visit and the options of its test.
import { request as httpRequest } from 'node:http';

const highlight = '[data-testid=highlight]';

export async function citation_opens_the_quote(visit) {
  const { page } = visit;
  await visit.go('/', '#question');
  const turn = await visit.ask('How many passages does a search return?');
  visit.check(await turn.locator('.cite').count(), 'the answer has no citation');
  const quote = await turn.locator('.source q').first().textContent();
  await turn.locator('.cite').first().click();
  await page.locator(highlight).waitFor();
  visit.check((await page.locator(highlight).textContent()) === quote, 'what is marked is not the quote');
  visit.check(await page.locator(highlight).isVisible(), 'the mark cannot be seen');
  const box = await page.locator(highlight).boundingBox();
  visit.check(box.y > 0 && box.y < visit.height, 'the mark is not scrolled into view');
  visit.check((await page.locator('.where').textContent()).includes('Searching'), 'the headings above the quote are missing');
  await visit.accessible('a document');
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
  visit.check(await page.evaluate(() => document.activeElement.classList.contains('cite')), 'the focus did not come back to the citation');
}

export async function pdf_citation_opens_the_page_with_its_box(visit) {
  const { page } = visit;
  await visit.go('/', '#question');
  const turn = await visit.ask('What does it mean when a citation is stale?');
  const source = turn.locator('.source', { hasText: 'guide.pdf' }).first();
  const quote = await source.locator('q').textContent();
  await source.click();
  await page.locator('[data-testid=box]').first().waitFor();
  const boxes = await page.locator('[data-testid=box]').evaluateAll((all) => all.map((box) => ['x', 'y', 'width', 'height'].map((name) => Number(box.getAttribute(name)))));
  const lines = await page.locator('.paper text').evaluateAll((all) => all.map((line) => ({ text: line.textContent, x: Number(line.getAttribute('x')), y: Number(line.getAttribute('y')) })));
  // The boxes stand where the quote's own words do.
  const under = lines.filter((line) => boxes.some(([x, y, width, height]) => line.y > y && line.y < y + height && line.x < x + width));
  const words = quote.split(/\s+/).filter((word) => word.length > 3);
  const marked = under.map((line) => line.text).join(' ');
  visit.check(words.every((word) => marked.includes(word)), `the boxes mark "${marked}", not "${quote}"`);
  visit.check((await page.locator('.where').textContent()).includes('page '), 'the page is not named');
  await visit.accessible('a page of a PDF');
  await page.getByRole('tab', { name: 'Text' }).click();
  await page.locator(highlight).waitFor();
  visit.check((await page.locator(highlight).textContent()) === quote, 'the text view marks something else');
}

export async function sentences_come_while_the_answer_is_made(visit) {
  const { page } = visit;
  await visit.go('/', '#question');
  await page.evaluate(() => {
    window.seen = [];
    new MutationObserver(() => {
      const turn = document.querySelector('.turn');
      const words = turn?.querySelector('.working')?.textContent ?? '';
      const state = `${words.includes('found') ? 'found' : words ? 'searching' : 'done'}/${turn?.querySelectorAll('.sentence').length ?? 0}`;
      if (window.seen.at(-1) !== state) window.seen.push(state);
    }).observe(document.body, { childList: true, subtree: true, characterData: true });
  });
  await visit.ask('How long are the chunks?');
  const seen = await page.evaluate(() => window.seen);
  visit.check(seen.some((state) => state.startsWith('searching')), `nothing said that it searches: ${seen}`);
  visit.check(seen.some((state) => state.startsWith('found')), `the passages were not told: ${seen}`);
  visit.check(seen.at(-1).startsWith('done/') && seen.at(-1) !== 'done/0', `no answer at the end: ${seen}`);
  const aloud = await page.locator('[role=status][aria-live=polite]').first().textContent();
  visit.check(aloud.startsWith('Answer: '), `the answer is not announced: ${aloud}`);
  return seen;
}

export async function refusal_says_where_one_might_look(visit) {
  await visit.go('/', '#question');
  const turn = await visit.ask('Which team won the football world cup in 1998?');
  visit.check((await turn.locator('[data-testid=refusal]').textContent()).includes('do not answer'), 'it was not refused');
  visit.check((await turn.locator('.cite').count()) === 0, 'a refusal has citations');
  await visit.accessible('a refusal');
}

export async function receipt_is_replayed_and_read(visit) {
  const { page } = visit;
  await visit.go('/', '#question');
  const turn = await visit.ask('What does a receipt hold?');
  await turn.getByRole('button', { name: 'Replay' }).click();
  await turn.locator('.state.valid').first().waitFor();
  visit.check((await turn.locator('.receipt').textContent()).includes('the same passages'), 'the replay does not say what it found');
  await turn.getByRole('link', { name: 'Receipt' }).click();
  await page.locator('.json').waitFor();
  visit.check((await page.locator('.json').textContent()).includes('What does a receipt hold?'), 'the receipt does not hold the question');
  await visit.accessible('a receipt');
  await page.goBack();
  await page.locator('.turn').waitFor(); // The answer is still there.
}

export async function hostile_text_stays_text(visit) {
  const { page } = visit;
  await visit.go('/', '#question');
  const turn = await visit.ask('What is the colour of the harbour crane?');
  visit.check(await turn.locator('.source', { hasText: 'hostile' }).count(), 'the hostile document was not found');
  await turn.locator('.source', { hasText: 'hostile' }).first().click();
  await page.locator(highlight).waitFor();
  visit.check((await page.locator('.text').textContent()).includes('<script>window.stolen = 1</script>'), 'the markup is not shown as it stands');
  visit.check((await page.locator('.text script, .text img').count()) === 0, 'markup of a document became elements');
  visit.check(!(await page.evaluate(() => window.stolen)), 'a document ran a script');
  await page.keyboard.press('Escape');
  await visit.go('/search', '[data-shortcut=focus]');
  await page.fill('[data-shortcut=focus]', 'harbour crane <img src=x onerror=stolen=1>');
  await page.keyboard.press('Enter');
  await page.locator('[data-testid=result]').first().waitFor();
  visit.check((await page.locator('main script, main img').count()) === 0, 'a passage became elements');
  visit.check(!(await page.evaluate(() => window.stolen)), 'a passage ran a script');
}

export async function policy_forbids_what_slips_in(visit) {
  const { page } = visit;
  await visit.go('/', '#question');
  visit.expect('Content Security Policy');
  visit.expect('TrustedHTML');
  visit.expect('violates');
  visit.expect('TrustedScript');
  const outcome = await page.evaluate(() => {
    const script = document.createElement('script');
    let isBlocked = false;
    try {
      script.textContent = 'window.slipped = 1';
    } catch {
      isBlocked = true;
    }
    document.body.append(script);
    let html = 'taken';
    try {
      document.createElement('div').innerHTML = '<b>x</b>';
    } catch {
      html = 'refused';
    }
    return { slipped: !!window.slipped, isBlocked, html };
  });
  visit.check(!outcome.slipped, 'an inline script ran');
  visit.check(outcome.html === 'refused', 'innerHTML takes a string');
}

export async function upload_is_followed_and_searchable(visit) {
  const { page } = visit;
  await visit.go('/collections', '.page');
  await page.getByRole('button', { name: 'New collection' }).click();
  await page.getByLabel('Name').fill('uploads');
  await visit.accessible('a new collection');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.locator('.drop').waitFor();
  await page.locator('.empty').waitFor();
  await visit.accessible('an empty collection');
  await page.setInputFiles('input[type=file]', [
    { name: 'tides.md', mimeType: 'text/markdown', buffer: Buffer.from('# Tides\n\nThe spring tide at the quay reaches 412 centimetres.\n') },
    { name: 'broken.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.7\nnot much of a file') },
  ]);
  const run = page.locator('[data-testid=upload-run]');
  await page.locator('[data-testid=upload-run][data-state=done], [data-testid=upload-run][data-state=failed]').waitFor({ timeout: 60_000 });
  const told = await run.textContent();
  visit.check(told.includes('1 added') && told.includes('1 failed'), `the outcome is not told: ${told}`);
  visit.check((await run.locator('.failures').textContent()).includes('broken.pdf'), 'the broken file is not named');
  await page.getByRole('button', { name: 'Tides' }).waitFor();
  await visit.accessible('a collection');
  await page.getByRole('button', { name: 'Tides' }).first().click();
  await page.locator('.text').waitFor();
  visit.check((await page.locator('.text').textContent()).includes('412 centimetres'), 'the text of the document is not shown');
  await page.keyboard.press('Escape');

  await visit.go('/search', '[data-shortcut=focus]');
  await page.getByLabel('Collection').selectOption('uploads');
  await page.fill('[data-shortcut=focus]', 'spring tide');
  await page.keyboard.press('Enter');
  await page.locator('[data-testid=result]', { hasText: '412 centimetres' }).waitFor();

  await visit.go('/collections/uploads', 'table');
  await page.getByRole('button', { name: 'Delete Tides' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.locator('.empty').waitFor();
}

export async function dropped_files_are_taken(visit) {
  const { page } = visit;
  await visit.go('/collections/default', '.drop');
  const transfer = await page.evaluateHandle(() => {
    const data = new DataTransfer();
    data.items.add(new File(['The dropped note says that the lock gate opens at seven.\n'], 'dropped.txt', { type: 'text/plain' }));
    return data;
  });
  await page.dispatchEvent('.drop', 'dragover', { dataTransfer: transfer });
  visit.check(await page.locator('.drop.over').count(), 'nothing shows that it can be dropped here');
  await page.dispatchEvent('.drop', 'drop', { dataTransfer: transfer });
  await page.locator('[data-testid=upload-run][data-state=done]').waitFor({ timeout: 60_000 });
  await page.locator('td', { hasText: 'dropped.txt' }).first().waitFor();
}

export async function snapshots_are_kept_and_dropped(visit) {
  const { page } = visit;
  await visit.go('/collections/default', '.drop');
  await page.getByRole('tab', { name: 'Versions' }).click();
  await page.getByLabel('Keep the current version as').fill('tested');
  await page.getByRole('button', { name: 'Keep' }).click();
  await page.locator('.tag', { hasText: 'tested' }).waitFor();
  await visit.accessible('versions');
  await page.getByRole('button', { name: 'Drop snapshot tested' }).click();
  await page.locator('.tag').waitFor({ state: 'detached' });
}

export async function collection_is_deleted_only_by_its_name(visit) {
  const { page } = visit;
  await visit.go('/collections', '.collection');
  await page.getByRole('button', { name: 'New collection' }).click();
  await page.getByLabel('Name').fill('not a name!');
  visit.check(await page.getByRole('button', { name: 'Create' }).isDisabled(), 'a bad name can be sent');
  await page.getByLabel('Name').fill('short-lived');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.locator('.drop').waitFor();
  await visit.go('/collections', '.collection');
  await page.getByRole('button', { name: 'Delete short-lived' }).click();
  const confirm = page.getByRole('dialog').getByRole('button', { name: 'Delete' });
  visit.check(await confirm.isDisabled(), 'a collection can be deleted without its name');
  await page.getByLabel('Type short-lived to go on').fill('short-lived');
  await confirm.click();
  await page.locator('.collection', { hasText: 'short-lived' }).waitFor({ state: 'detached' });
}

export async function search_explains_its_order(visit) {
  const { page } = visit;
  await visit.go('/search', '[data-shortcut=focus]');
  await page.fill('[data-shortcut=focus]', 'hidden text');
  await page.getByLabel('Filter (JSON)').fill('{"path": {"$nope": 1}}');
  await page.locator('.note.bad', { hasText: '$nope' }).waitFor();
  visit.check(await page.getByRole('button', { name: 'Search' }).isDisabled(), 'a wrong filter can be sent');
  await visit.accessible('a wrong filter');
  await page.getByLabel('Filter (JSON)').fill('{"media_type": "text/html"}');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.locator('[data-testid=result]').first().waitFor();
  const names = await page.locator('.result-head').allTextContents();
  visit.check(names.every((name) => name.includes('handbook.html')), `the filter lets others pass: ${names}`);
  visit.check((await page.locator('[data-testid=plan]').textContent()).includes('of'), 'the plan is not shown');
  visit.check((await page.locator('.score').count()) >= names.length * 2, 'the scores are not shown');
  visit.check(await page.locator('mark.word').count(), 'the words of the query are not marked');
  visit.check((await page.locator('.timing').textContent()).includes('total'), 'the times are not shown');
  await visit.accessible('search results');
  await page.getByText('Words', { exact: true }).click();
  await page.locator('.scores', { hasText: 'words' }).first().waitFor();
  await page.waitForFunction(() => !document.querySelector('.scores')?.textContent.includes('meaning'));
  await page.getByLabel('Filter (JSON)').fill('{"path": {"$gt": []}}');
  visit.expect('400');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.locator('.problem').waitFor(); // What only the server knows is told as it says it.
}

export async function models_and_settings_are_shown(visit) {
  const { page } = visit;
  await visit.go('/models', '.card');
  visit.check((await page.locator('.card', { hasText: 'bge-small-en-v1.5-q' }).textContent()).includes('installed'), 'the embedder is not shown');
  await page.getByRole('heading', { name: 'Keys', exact: true }).waitFor();
  await visit.go('/settings', '.settings');
  await page.getByLabel('Find a setting').fill('chat_model');
  visit.check((await page.locator('.settings').textContent()).includes('smollm2'), 'the setting is not found');
}

export async function colours_follow_the_system_and_the_choice(visit) {
  const { page } = visit;
  const back = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  await visit.go('/', '#question');
  const dark = await back();
  await page.getByRole('button', { name: 'Light colours' }).click();
  const light = await back();
  visit.check(light !== dark, 'the button changes nothing');
  await page.reload();
  await page.locator('#question').waitFor();
  visit.check((await back()) === light, 'the choice is forgotten');
  await page.keyboard.press('Tab');
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press('d');
  visit.check((await back()) === dark, 'the key d changes nothing');
}

export async function keyboard_is_enough(visit) {
  const { page } = visit;
  await visit.go('/', '#question');
  await page.keyboard.press('Tab');
  visit.check((await page.evaluate(() => document.activeElement.textContent)) === 'To the content', 'the first stop is not the skip link');
  await page.keyboard.press('Enter');
  visit.check(await page.evaluate(() => document.activeElement.id === 'main'), 'the skip link leads nowhere');
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
  await visit.accessible('the list of keys');
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
  await page.keyboard.press('g');
  await page.keyboard.press('s');
  await page.getByRole('heading', { name: 'Search', level: 1 }).waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('a');
  await page.locator('#question').waitFor();
  await page.keyboard.press('/');
  visit.check(await page.evaluate(() => document.activeElement.id === 'question'), 'the key / does not lead to the question');
  await page.keyboard.type('What is the default of --limit?');
  await page.locator('button[type=submit]:enabled').waitFor();
  await page.keyboard.press('Enter');
  await page.locator('.turn .receipt').waitFor({ timeout: 60_000 });
  for (let stops = 0; stops < 20 && !(await page.evaluate(() => document.activeElement.classList.contains('cite'))); stops++) await page.keyboard.press('Tab');
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  visit.check(outline === 'solid', 'the focus cannot be seen');
  await page.keyboard.press('Enter');
  await page.locator(highlight).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
}

export async function every_page_is_accessible_and_fits(visit) {
  const { page } = visit;
  const pages = [
    ['/', '#question'],
    ['/search', '[data-shortcut=focus]'],
    ['/collections', '.collection'],
    ['/collections/default', 'table'],
    ['/models', '.card'],
    ['/settings', '.settings'],
    ['/receipts/none', '.problem'],
    ['/collections/none', '.problem'],
  ];
  visit.expect('404');
  for (const [path, selector] of pages) {
    await visit.go(path, selector);
    await visit.settle();
    await visit.accessible(path);
    await visit.fits(path);
  }
  await visit.go('/', '#question');
  await page.locator('.options summary').click();
  await visit.accessible('the options of a question');
  await visit.fits('the options of a question');
  const turn = await visit.ask('What does it mean when a citation is stale?');
  await visit.accessible('an answer');
  await visit.fits('an answer');
  await turn.locator('.source').first().click();
  await page.locator(`${highlight}, [data-testid=box]`).first().waitFor();
  await visit.accessible('a document');
  await page.goBack(); // On a phone, Back closes what covers the page.
  await page.locator('dialog').waitFor({ state: 'detached' });
  await turn.waitFor();
}

export async function first_paint_is_quick(visit) {
  const { page } = visit;
  const times = [];
  let shift = 0;
  for (let i = 0; i < 5; i++) {
    await visit.go('/', '#question');
    times.push(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0));
    await visit.settle();
    shift = Math.max(
      shift,
      await page.evaluate(
        () =>
          new Promise((resolve) => {
            new PerformanceObserver((list) => resolve(list.getEntries().reduce((sum, entry) => sum + entry.value, 0))).observe({ type: 'layout-shift', buffered: true });
            setTimeout(() => resolve(0), 200);
          }),
      ),
    );
  }
  const sizes = await page.evaluate(() => performance.getEntriesByType('resource').filter((entry) => entry.name.includes('/assets/')).map((entry) => entry.encodedBodySize));
  return { first_paint_ms: times.sort((a, b) => a - b), layout_shift: shift, asset_bytes: sizes.reduce((a, b) => a + b, 0) };
}

/** A page of another site posts to this server, in every way that a browser lets it. */
export async function foreign_pages_change_nothing(visit) {
  const { page } = visit;
  const foreign = 'http://elsewhere.test/';
  await page.route(`${foreign}**`, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>x</title>' }));
  visit.expect(''); // A browser logs what it refuses.
  await page.goto(foreign);
  await page.evaluate(async (base) => {
    const body = JSON.stringify({ name: 'planted' });
    for (const type of ['text/plain', 'application/json', 'application/x-www-form-urlencoded']) {
      for (const mode of ['no-cors', 'cors'])
        await fetch(`${base}/api/collections`, { method: 'POST', mode, credentials: 'include', headers: { 'content-type': type }, body }).catch(() => undefined);
    }
    await fetch(`${base}/api/collections/default`, { method: 'DELETE', credentials: 'include' }).catch(() => undefined);
    const form = Object.assign(document.createElement('form'), { method: 'post', action: `${base}/api/collections`, target: '_self', enctype: 'text/plain' });
    const input = Object.assign(document.createElement('input'), { name: '{"name":"planted","x":"', value: '"}' });
    form.append(input);
    document.body.append(form);
  }, visit.base);
  visit.faults.length = 0; // Those requests were meant to leave.
  const names = (await (await fetch(`${visit.base}/api/collections`)).json()).items.map((item) => item.name);
  visit.check(!names.includes('planted'), 'a foreign page made a collection');
  visit.check(names.includes('default'), 'a foreign page deleted a collection');
  const rebound = await new Promise((resolve, reject) => {
    const url = new URL(visit.base);
    httpRequest({ host: url.hostname, port: url.port, path: '/api/collections', headers: { host: `elsewhere.test:${url.port}` } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
  visit.check(rebound === 403, `a name that was pointed at this machine is answered with ${rebound}`);
}

export async function first_key_closes_the_door_and_opens_the_page(visit) {
  const { page, context } = visit;
  visit.expect('401');
  await visit.go('/models', '.card');
  await page.getByRole('button', { name: 'New key' }).click();
  await page.getByLabel('Name').fill('ada');
  await page.getByLabel('Role').selectOption('admin');
  await visit.accessible('a new key');
  await page.getByRole('button', { name: 'Create' }).click();
  const secret = (await page.locator('[data-testid=secret]').textContent()).trim();
  visit.check(secret.length > 20, 'no secret was shown');
  await page.goto(`${visit.base}/collections`);
  await page.getByLabel('API key').waitFor();
  await visit.accessible('signing in');
  await visit.fits('signing in');
  await page.getByLabel('API key').fill('sk-not-this-one');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.problem').waitFor();
  await page.getByLabel('API key').fill(secret);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.collection').first().waitFor();
  const [cookie] = await context.cookies();
  visit.check(cookie.httpOnly && cookie.sameSite === 'Strict', 'the cookie can be read or is sent to others');
  const stored = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie);
  visit.check(!stored.includes(secret) && !stored.includes(cookie.value), 'the page stores what it must not');
  const bare = await page.evaluate(async () => (await fetch('/api/collections', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"name":"planted"}' })).status);
  visit.check(bare === 401 || bare === 403, `a change without the page's header is answered with ${bare}`);
  await visit.go('/models', '.card');
  visit.check((await page.locator('table').textContent()).includes('ada'), 'the key is not listed');
  await visit.accessible('keys');
  await page.getByRole('button', { name: /^Sign out/ }).click();
  await page.getByLabel('API key').waitFor();
}

export async function pictures(visit, { folder }) {
  const { page } = visit;
  const shot = (name) => page.screenshot({ path: `${folder}/${name}.png` });
  await visit.go('/', '#question');
  const turn = await visit.ask('What does it mean when a citation is stale?');
  await page.evaluate(() => document.activeElement.blur());
  await shot('ask');
  await turn.locator('.source', { hasText: 'guide.pdf' }).first().click();
  await page.locator('[data-testid=box]').first().waitFor();
  await shot('citation');
  await page.keyboard.press('Escape');
  await visit.go('/search', '[data-shortcut=focus]');
  await page.fill('[data-shortcut=focus]', 'what becomes of hidden text');
  await page.keyboard.press('Enter');
  await page.locator('[data-testid=result]').first().waitFor();
  await page.evaluate(() => document.activeElement.blur());
  await shot('search');
  await visit.go('/collections/default', 'table');
  await shot('collection');
}
