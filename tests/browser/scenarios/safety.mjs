// What must not happen, whatever a document or another site tries.
import { request as httpRequest } from 'node:http';
import { highlight } from '../visit.mjs';

export async function hostile_text_stays_text(visit) {
  const { page } = visit;
  await visit.go('/', '#question');
  const turn = await visit.ask('What is the colour of the harbour crane?');
  visit.check(
    await turn.locator('.source', { hasText: 'hostile' }).count(),
    'the hostile document was not found',
  );
  await turn.locator('.source', { hasText: 'hostile' }).first().click();
  await page.locator(highlight).waitFor();
  await visit.says(
    page.locator('.text'),
    '<script>window.stolen = 1</script>',
    'the markup is not shown as it stands',
  );
  visit.check(
    (await page.locator('.text script, .text img').count()) === 0,
    'markup of a document became elements',
  );
  visit.check(!(await page.evaluate(() => window.stolen)), 'a document ran a script');
  await visit.closeDrawer();
  await visit.go('/search', '[data-shortcut=focus]');
  await page.fill('[data-shortcut=focus]', 'harbour crane <img src=x onerror=stolen=1>');
  await page.keyboard.press('Enter');
  await page.locator('[data-testid=result]').first().waitFor();
  visit.check(
    (await page.locator('main script, main img').count()) === 0,
    'a passage became elements',
  );
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

/** A page of another site posts to this server, in every way that a browser lets it. */
export async function foreign_pages_change_nothing(visit) {
  const { page } = visit;
  const foreign = 'http://elsewhere.test/';
  await page.route(`${foreign}**`, (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>x</title>' }),
  );
  visit.expect(''); // A browser logs what it refuses.
  await page.goto(foreign);
  await page.evaluate(async (base) => {
    const body = JSON.stringify({ name: 'planted' });
    for (const type of ['text/plain', 'application/json', 'application/x-www-form-urlencoded']) {
      for (const mode of ['no-cors', 'cors'])
        await fetch(`${base}/api/collections`, {
          method: 'POST',
          mode,
          credentials: 'include',
          headers: { 'content-type': type },
          body,
        }).catch(() => undefined);
    }
    await fetch(`${base}/api/collections/default`, {
      method: 'DELETE',
      credentials: 'include',
    }).catch(() => undefined);
    const form = Object.assign(document.createElement('form'), {
      method: 'post',
      action: `${base}/api/collections`,
      target: '_self',
      enctype: 'text/plain',
    });
    const input = Object.assign(document.createElement('input'), {
      name: '{"name":"planted","x":"',
      value: '"}',
    });
    form.append(input);
    document.body.append(form);
  }, visit.base);
  visit.faults.length = 0; // Those requests were meant to leave.
  const names = (await (await fetch(`${visit.base}/api/collections`)).json()).items.map(
    (item) => item.name,
  );
  visit.check(!names.includes('planted'), 'a foreign page made a collection');
  visit.check(names.includes('default'), 'a foreign page deleted a collection');
  const rebound = await new Promise((resolve, reject) => {
    const url = new URL(visit.base);
    httpRequest(
      {
        host: url.hostname,
        port: url.port,
        path: '/api/collections',
        headers: { host: `elsewhere.test:${url.port}` },
      },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    )
      .on('error', reject)
      .end();
  });
  visit.check(
    rebound === 403,
    `a name that was pointed at this machine is answered with ${rebound}`,
  );
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
  visit.check(
    cookie.httpOnly && cookie.sameSite === 'Strict',
    'the cookie can be read or is sent to others',
  );
  const stored = await page.evaluate(
    () => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie,
  );
  visit.check(
    !stored.includes(secret) && !stored.includes(cookie.value),
    'the page stores what it must not',
  );
  const bare = await page.evaluate(
    async () =>
      (
        await fetch('/api/collections', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"name":"planted"}',
        })
      ).status,
  );
  visit.check(
    bare === 401 || bare === 403,
    `a change without the page's header is answered with ${bare}`,
  );
  await visit.go('/models', '.card');
  await visit.says(page.locator('table'), 'ada', 'the key is not listed');
  await visit.accessible('keys');
  // The page of the API knows who is signed in, for changes, too.
  await visit.go('/docs#create_collection', '#create_collection form');
  const create = page.locator('#create_collection form');
  await create.getByLabel('Body').fill('{"name": "from-docs"}');
  await create.getByRole('button', { name: 'Send' }).click();
  await create.locator('.ok, .failed').waitFor();
  visit.check(
    (await create.locator('.ok, .failed').textContent()).startsWith('201'),
    `the page of the API is refused: ${await create.textContent()}`,
  );
  await visit.go('/models', '.card');
  await page.getByRole('button', { name: /^Sign out/ }).click();
  await page.getByLabel('API key').waitFor();
}
