// A person at the page, and everything that must never happen while they are there.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Where a document is marked. */
export const highlight = '[data-testid=highlight]';

export class Visit {
  constructor(browser, { base, theme = 'light', width = 1200, height = 800 }) {
    Object.assign(this, { browser, base, theme, width, height, faults: [], expected: [] });
  }

  async open() {
    this.context = await this.browser.newContext({
      colorScheme: this.theme,
      viewport: { width: this.width, height: this.height },
      reducedMotion: 'reduce',
      hasTouch: this.width < 600,
    });
    this.page = await this.context.newPage();
    this.page.setDefaultTimeout(40_000);
    this.page.on('pageerror', (error) => this.faults.push(`the page threw ${error.message}`));
    this.page.on('console', (message) => {
      if (message.type() !== 'error' && message.type() !== 'warning') return;
      const text = `${message.text()} (${message.location().url})`;
      if (!this.expected.some((part) => text.includes(part)))
        this.faults.push(`the console says: ${text}`);
    });
    this.page.on('request', (request) => {
      if (!request.url().startsWith(this.base))
        this.faults.push(`the page asked for ${request.url()}`);
    });
    this.page.on('dialog', (dialog) => {
      this.faults.push(`a dialog of the browser came up: ${dialog.message()}`);
      void dialog.dismiss();
    });
  }

  /** An error that this scenario provokes: its line in the console is no fault. */
  expect(part) {
    this.expected.push(part);
  }

  async go(path, selector) {
    await this.page.goto(this.base + path);
    await this.page.locator(selector).first().waitFor();
  }

  /** Closing goes one step back in the history, which happens a moment later: a visit elsewhere would race it. */
  async closeDrawer() {
    await this.page.keyboard.press('Escape');
    await this.page.waitForFunction(() => !history.state?.drawer);
  }

  check(isTrue, message) {
    if (!isTrue) throw new Error(message);
  }

  /** Waits until the text is there: what a request brings comes after the element that holds it. */
  async says(locator, part, message) {
    for (let i = 0; i < 200; ++i) {
      if ((await locator.textContent())?.includes(part)) return;
      await this.page.waitForTimeout(50);
    }
    throw new Error(`${message}: '${part}' is not in '${await locator.textContent()}'`);
  }

  async accessible(where) {
    const found = await this.page
      .evaluate(`${axe}; axe.run(document, { resultTypes: ['violations'] }).then((result) =>
      result.violations.filter((rule) => rule.impact === 'serious' || rule.impact === 'critical')
        .map((rule) => rule.id + ': ' + rule.nodes.map((node) => node.html.slice(0, 120)).join(' ')))`);
    for (const rule of found) this.faults.push(`axe at ${where}: ${rule}`);
  }

  async fits(where) {
    const wider = await this.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    if (wider > 0) this.faults.push(`${where} is ${wider} pixels wider than the window`);
  }

  /** Answers without a chat model: the same every time, and at once. */
  async quoteOnly() {
    await this.page.locator('.options').evaluate((options) => (options.open = true));
    await this.page.getByText('Quote', { exact: true }).click();
    await this.page.locator('.options').evaluate((options) => (options.open = false));
  }

  async ask(question) {
    await this.quoteOnly();
    await this.page.fill('#question', question);
    await this.page.locator('.ask button[type=submit]:enabled').waitFor();
    await this.page.keyboard.press('Enter');
    const turn = this.page.locator('.turn').first();
    await turn.locator('.receipt').waitFor({ timeout: 60_000 });
    return turn;
  }

  async settle() {
    await this.page.waitForLoadState('networkidle').catch(() => undefined);
  }

  async picture(name) {
    const file = join(process.env.SLIPWAY_PICTURES || tmpdir(), `slipway-${name}.png`);
    await this.page?.screenshot({ path: file }).catch(() => undefined);
    return file;
  }

  async close() {
    await this.context?.close();
  }
}
