// Questions, answers, citations, receipts.
import { highlight } from '../visit.mjs';

export async function citation_opens_the_quote(visit) {
  const { page } = visit;
  await visit.go('/', '#question');
  const turn = await visit.ask('How many passages does a search return?');
  visit.check(await turn.locator('.cite').count(), 'the answer has no citation');
  const quote = await turn.locator('.source q').first().textContent();
  await turn.locator('.cite').first().click();
  await page.locator(highlight).waitFor();
  visit.check(
    (await page.locator(highlight).textContent()) === quote,
    'what is marked is not the quote',
  );
  visit.check(await page.locator(highlight).isVisible(), 'the mark cannot be seen');
  const box = await page.locator(highlight).boundingBox();
  visit.check(box.y > 0 && box.y < visit.height, 'the mark is not scrolled into view');
  await visit.says(page.locator('.where'), 'Searching', 'the headings above the quote are missing');
  await visit.accessible('a document');
  await visit.closeDrawer();
  await page.locator('dialog').waitFor({ state: 'detached' });
  visit.check(
    await page.evaluate(() => document.activeElement.classList.contains('cite')),
    'the focus did not come back to the citation',
  );
}

export async function pdf_citation_opens_the_page_with_its_box(visit) {
  const { page } = visit;
  await visit.go('/', '#question');
  const turn = await visit.ask('What does it mean when a citation is stale?');
  const source = turn.locator('.source', { hasText: 'guide.pdf' }).first();
  const quote = await source.locator('q').textContent();
  await source.click();
  await page.locator('[data-testid=box]').first().waitFor();
  const boxes = await page
    .locator('[data-testid=box]')
    .evaluateAll((all) =>
      all.map((box) => ['x', 'y', 'width', 'height'].map((name) => Number(box.getAttribute(name)))),
    );
  const lines = await page.locator('.paper text').evaluateAll((all) =>
    all.map((line) => ({
      text: line.textContent,
      x: Number(line.getAttribute('x')),
      y: Number(line.getAttribute('y')),
    })),
  );
  // The boxes stand where the quote's own words do.
  const under = lines.filter((line) =>
    boxes.some(([x, y, width, height]) => line.y > y && line.y < y + height && line.x < x + width),
  );
  const words = quote.split(/\s+/).filter((word) => word.length > 3);
  const marked = under.map((line) => line.text).join(' ');
  visit.check(
    words.every((word) => marked.includes(word)),
    `the boxes mark "${marked}", not "${quote}"`,
  );
  await visit.says(page.locator('.where'), 'page ', 'the page is not named');
  await visit.accessible('a page of a PDF');
  await page.getByRole('tab', { name: 'Page' }).focus();
  await page.keyboard.press('ArrowRight');
  await page.locator(highlight).waitFor();
  visit.check(
    (await page.locator(highlight).textContent()) === quote,
    'the text view marks something else',
  );
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
  visit.check(
    seen.some((state) => state.startsWith('searching')),
    `nothing said that it searches: ${seen}`,
  );
  visit.check(
    seen.some((state) => state.startsWith('found')),
    `the passages were not told: ${seen}`,
  );
  visit.check(
    seen.at(-1).startsWith('done/') && seen.at(-1) !== 'done/0',
    `no answer at the end: ${seen}`,
  );
  const aloud = await page.locator('[role=status][aria-live=polite]').first().textContent();
  visit.check(aloud.startsWith('Answer: '), `the answer is not announced: ${aloud}`);
  return seen;
}

export async function refusal_says_where_one_might_look(visit) {
  await visit.go('/', '#question');
  const turn = await visit.ask('Which team won the football world cup in 1998?');
  await visit.says(turn.locator('[data-testid=refusal]'), 'do not answer', 'it was not refused');
  visit.check((await turn.locator('.cite').count()) === 0, 'a refusal has citations');
  await visit.accessible('a refusal');
}

export async function receipt_is_replayed_and_read(visit) {
  const { page } = visit;
  await visit.go('/', '#question');
  const turn = await visit.ask('What does a receipt hold?');
  await turn.getByRole('button', { name: 'Replay' }).click();
  await turn.locator('.state.valid').first().waitFor();
  await visit.says(
    turn.locator('.receipt'),
    'the same passages',
    'the replay does not say what it found',
  );
  await turn.getByRole('link', { name: 'Receipt' }).click();
  await page.locator('.json').waitFor();
  await visit.says(
    page.locator('.json'),
    'What does a receipt hold?',
    'the receipt does not hold the question',
  );
  await visit.accessible('a receipt');
  await page.goBack();
  await page.locator('.turn').waitFor(); // The answer is still there.
}

export async function search_explains_its_order(visit) {
  const { page } = visit;
  await visit.go('/search', '[data-shortcut=focus]');
  await page.fill('[data-shortcut=focus]', 'hidden text');
  await page.getByLabel('Filter (JSON)').fill('{"path": {"$nope": 1}}');
  await page.locator('.note.bad', { hasText: '$nope' }).waitFor();
  visit.check(
    await page.getByRole('button', { name: 'Search' }).isDisabled(),
    'a wrong filter can be sent',
  );
  await visit.accessible('a wrong filter');
  await page.getByLabel('Filter (JSON)').fill('{"media_type": "text/html"}');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.locator('[data-testid=result]').first().waitFor();
  const names = await page.locator('.result-head').allTextContents();
  visit.check(
    names.every((name) => name.includes('handbook.html')),
    `the filter lets others pass: ${names}`,
  );
  await visit.says(page.locator('[data-testid=plan]'), 'of', 'the plan is not shown');
  visit.check(
    (await page.locator('.score').count()) >= names.length * 2,
    'the scores are not shown',
  );
  visit.check(await page.locator('mark.word').count(), 'the words of the query are not marked');
  await visit.says(page.locator('.timing'), 'total', 'the times are not shown');
  await visit.accessible('search results');
  await page.getByText('Words', { exact: true }).click();
  await page.locator('.scores', { hasText: 'words' }).first().waitFor();
  await page.waitForFunction(
    () => !document.querySelector('.scores')?.textContent.includes('meaning'),
  );
  await page.getByLabel('Filter (JSON)').fill('{"path": {"$gt": []}}');
  visit.expect('400');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.locator('.problem').waitFor(); // What only the server knows is told as it says it.
}
