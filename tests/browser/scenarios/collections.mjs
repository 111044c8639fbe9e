// Documents on their way in and out.

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
    {
      name: 'tides.md',
      mimeType: 'text/markdown',
      buffer: Buffer.from('# Tides\n\nThe spring tide at the quay reaches 412 centimetres.\n'),
    },
    {
      name: 'broken.pdf',
      mimeType: 'application/pdf',
      buffer: Buffer.from('%PDF-1.7\nnot much of a file'),
    },
  ]);
  const run = page.locator('[data-testid=upload-run]');
  await page
    .locator(
      '[data-testid=upload-run][data-state=done], [data-testid=upload-run][data-state=failed]',
    )
    .waitFor({ timeout: 60_000 });
  const told = await run.textContent();
  visit.check(
    told.includes('1 added') && told.includes('1 failed'),
    `the outcome is not told: ${told}`,
  );
  await visit.says(run.locator('.failures'), 'broken.pdf', 'the broken file is not named');
  await page.getByRole('button', { name: 'Tides', exact: true }).waitFor();
  await visit.accessible('a collection');
  await page.getByRole('button', { name: 'Tides', exact: true }).first().click();
  await page.locator('.text').waitFor();
  await visit.says(
    page.locator('.text'),
    '412 centimetres',
    'the text of the document is not shown',
  );
  await visit.closeDrawer();

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
    data.items.add(
      new File(['The dropped note says that the lock gate opens at seven.\n'], 'dropped.txt', {
        type: 'text/plain',
      }),
    );
    return data;
  });
  await page.dispatchEvent('.drop', 'dragover', { dataTransfer: transfer });
  visit.check(
    await page.locator('.drop.over').count(),
    'nothing shows that it can be dropped here',
  );
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
  visit.check(
    await page.getByRole('button', { name: 'Create' }).isDisabled(),
    'a bad name can be sent',
  );
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

export async function an_address_is_fetched_or_told_why_not(visit, { folder }) {
  const { page } = visit;
  await visit.go('/collections', '.page');
  await page.getByRole('button', { name: 'New collection' }).click();
  await page.getByLabel('Name').fill('fetched');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.locator('.drop').waitFor();
  const field = page.getByLabel('Or add by address');
  const run = page.locator('[data-testid=upload-run]');
  const told = async (address, outcome) => {
    await field.fill(address);
    await page.keyboard.press('Enter');
    await page.locator(`[data-testid=upload-run][data-state=${outcome}]`).waitFor();
    const text = await run.textContent();
    await page.getByRole('button', { name: 'Dismiss' }).click();
    return text;
  };

  await field.fill('example.org/tides');
  await page.keyboard.press('Enter');
  await page.getByText('begin with https://').waitFor();
  visit.check(
    (await field.getAttribute('aria-invalid')) === 'true' && !(await run.count()),
    'half an address is sent',
  );
  const local = await told('http://localhost/tides.html', 'failed');
  visit.check(
    local.includes('not on the public internet') && local.includes('dropped here as a file'),
    `what is wrong and what helps is not told: ${local}`,
  );
  visit.check(
    (await field.inputValue()) === 'http://localhost/tides.html',
    'a refused address must be typed again',
  );
  const foreign = await told('/etc/hostname', 'failed');
  visit.check(foreign.includes('may not read files there'), `the refusal is not told: ${foreign}`);
  const none = await told(`${folder}/none.md`, 'failed');
  visit.check(none.includes('does not exist'), `the missing file is not told: ${none}`);

  const there = await told(`file://${folder}/weir.md`, 'done');
  visit.check(there.includes('1 added'), `the outcome is not told: ${there}`);
  visit.check((await field.inputValue()) === '', 'the address still stands there');
  await page.getByRole('button', { name: 'The weir', exact: true }).waitFor();
  const many = await told(folder, 'done');
  visit.check(
    many.includes('1 added') && many.includes('1 unchanged'),
    `what was known is not told: ${many}`,
  );
  await field.fill('http://localhost/x');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.locator('[data-testid=upload-run][data-state=failed]').waitFor();
  await visit.accessible('an address that was refused');
  await visit.fits('an address that was refused');
}

export async function collection_is_migrated_and_rolled_back(visit) {
  const { page } = visit;
  const move = page.locator('[data-testid=move]');
  const facts = page.locator('.facts');
  const ended = async (text) => {
    await move.filter({ hasText: text }).and(page.locator('[data-state=done]')).waitFor();
    return move.textContent();
  };
  await visit.go('/collections/default', '.drop');
  await page.getByRole('tab', { name: 'Documents' }).focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  const button = page.getByRole('button', { name: 'Migrate' });
  await button.waitFor();
  visit.check(await button.isDisabled(), 'a migration to the same can be begun');
  visit.check(
    !(await page.getByRole('button', { name: 'Roll back' }).count()),
    'what was never migrated can be rolled back',
  );

  // A gate that holds: the same questions are answered by the same documents.
  const gold =
    '{"input": "What does it mean when a citation is stale?", "relevance": {"guide.pdf": 1}}';
  await page.getByText('Gold questions that both must answer').click();
  const lines = page.getByLabel('One question a line');
  await page.getByLabel('Size of a chunk').fill('300');
  await lines.fill('stale?');
  await page.getByText('Line 1 is no JSON').waitFor();
  visit.check(await button.isDisabled(), 'a gold set that cannot be read can be sent');
  await lines.fill('{"input": "What?", "relevance": {}}');
  await page.getByText('Line 1 has no "relevance"').waitFor();
  await page.getByLabel('Or from a file').setInputFiles({
    name: 'gold.jsonl',
    mimeType: 'application/jsonl',
    buffer: Buffer.from(`${gold}\n\n${gold}\n`),
  });
  await page.getByText('if 2 gold questions find no less').waitFor();
  await visit.accessible('a migration');
  await visit.fits('a migration');
  await button.focus();
  await page.keyboard.press('Enter');
  const switched = await ended('switched');
  visit.check(
    /Recall1\.0001\.000/.test(switched) && switched.includes('2 gold questions'),
    `the scores are not told: ${switched}`,
  );
  await facts.getByText('recursive, 300 characters').waitFor();
  await visit.accessible('a migration that has ended');
  await visit.fits('a migration that has ended');

  // A gate that does not: in chunks of eight characters hardly anything is found again.
  await page.getByText('Gold questions that both must answer').click();
  await page.getByLabel('Size of a chunk').fill('8');
  await lines.fill(
    [
      ['What colour is the harbour crane?', 'hostile.md'],
      ['What does it mean when a citation is stale?', 'guide.pdf'],
      ['How many passages does a search return?', 'handbook.html'],
    ]
      .map(([input, path]) => JSON.stringify({ input, relevance: { [path]: 1 } }))
      .join('\n'),
  );
  await button.click();
  const kept = await ended('kept');
  visit.check(
    kept.includes('still serves') && /nDCG1\.0000\.\d+−0\.\d+/.test(kept),
    `that a score fell is not told: ${kept}`,
  );
  await visit.says(facts, 'recursive, 300 characters', 'it was switched against the gate');
  await visit.accessible('a migration whose gate did not hold');

  // What ran last is still told to whoever comes later.
  await page.reload();
  await page.getByRole('tab', { name: 'Migration' }).click();
  await ended('kept');

  // The confirmation tells what comes back.
  await page.getByRole('button', { name: 'Roll back' }).click();
  const asked = await page.getByRole('dialog').textContent();
  visit.check(
    asked.includes('recursive, 800 characters comes back') && asked.includes('4 documents'),
    `what comes back is not told: ${asked}`,
  );
  await visit.accessible('the question before a rollback');
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
  await visit.says(facts, 'recursive, 300 characters', 'it was rolled back without a yes');
  await page.getByRole('button', { name: 'Roll back' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click();
  await ended('Rollback');
  await facts.getByText('recursive, 800 characters').waitFor();
}
