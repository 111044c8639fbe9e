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
  visit.check(
    (await run.locator('.failures').textContent()).includes('broken.pdf'),
    'the broken file is not named',
  );
  await page.getByRole('button', { name: 'Tides', exact: true }).waitFor();
  await visit.accessible('a collection');
  await page.getByRole('button', { name: 'Tides', exact: true }).first().click();
  await page.locator('.text').waitFor();
  visit.check(
    (await page.locator('.text').textContent()).includes('412 centimetres'),
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
