// One browser for all tests: reads a line {"scenario", "options"} at a time and answers with one.
//
// Whatever a scenario does, it has failed when the page logged an error, broke its own content policy, asked for
// anything but this server, or when axe finds something serious.
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';
import * as agents from './scenarios/agents.mjs';
import * as answers from './scenarios/answers.mjs';
import * as collections from './scenarios/collections.mjs';
import * as docs from './scenarios/docs.mjs';
import * as evaluation from './scenarios/evaluation.mjs';
import * as frame from './scenarios/frame.mjs';
import * as report from './scenarios/report.mjs';
import * as safety from './scenarios/safety.mjs';
import * as spending from './scenarios/spending.mjs';
import * as traces from './scenarios/traces.mjs';
import { Visit } from './visit.mjs';

const scenarios = {
  ...agents,
  ...answers,
  ...collections,
  ...docs,
  ...evaluation,
  ...frame,
  ...report,
  ...safety,
  ...spending,
  ...traces,
};

const browser = await chromium.launch({
  executablePath: process.env.SLIPWAY_CHROMIUM || '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-dev-shm-usage',
    '--disable-background-networking',
    '--disable-component-update',
    '--no-first-run',
  ],
});

async function run({ scenario, options }) {
  const visit = new Visit(browser, options);
  try {
    await visit.open();
    const notes = await scenarios[scenario](visit, options);
    await visit.settle();
    return { ok: visit.faults.length === 0, faults: visit.faults, notes: notes ?? null };
  } catch (error) {
    const picture = await visit.picture(scenario);
    return {
      ok: false,
      faults: [...visit.faults, String(error.stack ?? error), `picture: ${picture}`],
      notes: null,
    };
  } finally {
    await visit.close();
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  if (!line.trim()) continue;
  process.stdout.write(`${JSON.stringify(await run(JSON.parse(line)))}\n`);
}
await browser.close();
