// What holds on every page: keyboard, colours, sizes, speed.
import { highlight } from '../visit.mjs';

export async function models_and_settings_are_shown(visit) {
  const { page } = visit;
  await visit.go('/models', '.card');
  await visit.says(
    page.locator('.card', { hasText: 'bge-small-en-v1.5-q' }),
    'installed',
    'the embedder is not shown',
  );
  await page.getByRole('heading', { name: 'Keys', exact: true }).waitFor();
  await visit.go('/settings', '.settings');
  await page.getByLabel('Find a setting').fill('chat_model');
  await visit.says(page.locator('.settings'), 'smollm2', 'the setting is not found');
}

export async function colours_follow_the_system_and_the_choice(visit) {
  const { page } = visit;
  const back = () =>
    page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
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
  visit.check(
    (await page.evaluate(() => document.activeElement.textContent)) === 'To the content',
    'the first stop is not the skip link',
  );
  await page.keyboard.press('Enter');
  visit.check(
    await page.evaluate(() => document.activeElement.id === 'main'),
    'the skip link leads nowhere',
  );
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
  visit.check(
    await page.evaluate(() => document.activeElement.id === 'question'),
    'the key / does not lead to the question',
  );
  await visit.quoteOnly();
  await page.locator('#question').focus();
  await page.keyboard.type('What is the default of --limit?');
  await page.locator('button[type=submit]:enabled').waitFor();
  await page.keyboard.press('Enter');
  await page.locator('.turn .receipt').waitFor({ timeout: 60_000 });
  for (
    let stops = 0;
    stops < 20 && !(await page.evaluate(() => document.activeElement.classList.contains('cite')));
    stops++
  )
    await page.keyboard.press('Tab');
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  visit.check(outline === 'solid', 'the focus cannot be seen');
  await page.keyboard.press('Enter');
  await page.locator(highlight).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
}

/** An address that is mistyped leads on, and does not end at a line of JSON. */
export async function a_wrong_address_leads_on(visit) {
  const { page } = visit;
  visit.expect('/nowhere/here');
  const reply = await page.goto(`${visit.base}/nowhere/here`);
  visit.check(reply.status() === 404, `the status is ${reply.status()}`);
  await page.getByText('There is no such page').waitFor();
  await visit.accessible('a wrong address');
  await page.getByRole('link', { name: 'Ask something' }).click();
  await page.locator('#question').waitFor();
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
    times.push(
      await page.evaluate(
        () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
      ),
    );
    await visit.settle();
    shift = Math.max(
      shift,
      await page.evaluate(
        () =>
          new Promise((resolve) => {
            new PerformanceObserver((list) =>
              resolve(list.getEntries().reduce((sum, entry) => sum + entry.value, 0)),
            ).observe({ type: 'layout-shift', buffered: true });
            setTimeout(() => resolve(0), 200);
          }),
      ),
    );
  }
  const sizes = await page.evaluate(() =>
    performance
      .getEntriesByType('resource')
      .filter((entry) => entry.name.includes('/assets/'))
      .map((entry) => entry.encodedBodySize),
  );
  return {
    first_paint_ms: times.sort((a, b) => a - b),
    layout_shift: shift,
    asset_bytes: sizes.reduce((a, b) => a + b, 0),
  };
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
