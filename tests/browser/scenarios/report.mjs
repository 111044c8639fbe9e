// The HTML report of an evaluation, opened from disk.

const item = '#items tr[data-item]';

const visible = (page) =>
  page.locator(item).evaluateAll((rows) => rows.filter((row) => !row.hidden).length);

export async function a_report_shows_what_failed_and_why(visit, { name, items, failing, changed }) {
  const { page } = visit;
  await visit.go(name, '#summary tr[data-metric]');
  visit.check((await page.locator(item).count()) === items, 'not every item has its row');
  visit.check((await visible(page)) === items, 'some items are hidden at first');
  await visit.accessible('the report');
  await visit.fits('the report');
  await page.getByLabel('Failing only').check();
  visit.check((await visible(page)) === failing, `not ${failing} rows fail`);
  const first = page.locator(`${item}:not([hidden]) button`).first();
  await first.click();
  const more = page.locator('#items tr.more:not([hidden])');
  await more.waitFor();
  visit.check((await more.locator('ins').count()) > 0, 'the difference of the texts is not shown');
  visit.check((await first.getAttribute('aria-expanded')) === 'true', 'the button does not say it');
  await visit.accessible('the report with an item open');
  await visit.fits('the report with an item open');
  await first.click();
  visit.check((await more.count()) === 0, 'the item does not close');
  await page.getByLabel('Failing only').uncheck();
  await page.getByLabel('Search items').fill('no such words anywhere');
  visit.check((await visible(page)) === 0, 'the search finds what is not there');
  await page.getByLabel('Search items').fill('');
  await page.getByLabel('Changed only').check();
  visit.check((await visible(page)) === changed, `not ${changed} rows changed`);
  await page.getByLabel('Order').selectOption('change');
  const worst = await page.locator(item).first().getAttribute('data-change');
  visit.check(Number(worst) < 0, 'the worst change does not stand first');
  await page.getByLabel('Baseline beside').uncheck();
  visit.check(
    (await page.locator('#items .before:not([hidden])').count()) === 0,
    'the baseline is still beside',
  );
  return {
    decision: await page.locator('#decision').getAttribute('data-holds'),
    stolen: await page.evaluate(() => window.stolen ?? null),
    paper: await page.evaluate(() => getComputedStyle(document.body).backgroundColor),
  };
}
