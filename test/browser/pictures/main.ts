import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { HoldfastClient } from '../../../src/client.ts';
import type { ReadyLine } from '../../../src/embedded/ready.ts';
import { launchChromium } from '../../support/chromium.ts';
import { freePortBase } from '../../support/port-base.ts';
import { loseRow, moveMarkets, openBook, placeForeignOrder, tradeUntilLearned } from './content.ts';
import { goTo, openLooks, photograph, photographAll } from './shots.ts';

/**
 * `npm run pictures`: takes the pictures of docs/pictures from a demo that runs, with real trades: some open, many
 * closed, versions that were learned from them, findings and halts. About five minutes.
 */
const SPEED = 60;
const VERSIONS = 6;
const LEARNING_LIMIT_MS = 240_000;
/** Marks that the charts of the open positions have seen. */
const WATCHED_MS = 60_000;

const folder = fileURLToPath(new URL('../../../docs/pictures/', import.meta.url));
const cli = fileURLToPath(new URL('../../../bin/holdfast.js', import.meta.url));

async function startDemo(dataDir: string) {
  const place = ['--data-dir', dataDir, '--port-base', String(await freePortBase())];
  const child = spawn(process.execPath, [cli, 'up', '--demo', '--speed', String(SPEED), '--json', ...place], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const ready = await new Promise<ReadyLine>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`holdfast up ended with ${code ?? 'a signal'}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.includes('"event":"ready"')) resolve(JSON.parse(line) as ReadyLine);
    });
  });
  const stop = async () => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
    await ended;
  };
  return { ready, stop };
}

const say = (line: string) => process.stderr.write(`${line}\n`);
const dataDir = await mkdtemp(path.join(tmpdir(), 'holdfast-pictures-'));
const { ready, stop } = await startDemo(dataDir);
const connection = await Connection.connect({ address: ready.temporalAddress });
const client = new HoldfastClient(new Client({ connection }));
const database = new pg.Client(ready.databaseUrl);
await database.connect();
const browser = await launchChromium();
const token = (await readFile(path.join(dataDir, 'dashboard-token'), 'utf8')).trim();

const act = async (route: string, body: unknown) => {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const options = { method: 'POST', headers, body: JSON.stringify(body) };
  const answer = await fetch(`${ready.dashboardUrl}${route}`, options);
  if (!answer.ok) throw new Error(`${route} was answered with ${answer.status}`);
};

try {
  const markets = moveMarkets(ready.exchangeUrl, 7);
  say('trading until thresholds are learned …');
  await act('/api/halt', { reason: 'central bank speaks at eight' });
  await sleep(4_000);
  await act('/api/resume', { reason: 'nothing happened' });
  await tradeUntilLearned(client, database, VERSIONS, LEARNING_LIMIT_MS);
  markets.calm();
  const looks = await openLooks(browser, ready.dashboardUrl);
  await openBook(client);
  await placeForeignOrder(ready.exchangeUrl);
  await loseRow(database);
  say('watching …');
  await sleep(WATCHED_MS);

  await photographAll(looks, folder, 'positions', async (page, look) => {
    const toggle = page.locator('.position-toggle').nth(1);
    await toggle.click();
    await page.locator('.position-detail .facts', { hasText: 'Rule now' }).waitFor();
    if (look === 'phone') await page.locator('.position').nth(1).scrollIntoViewIfNeeded();
  });
  await photographAll(looks, folder, 'exit', async (page) => {
    await page.locator('.position .exit').nth(1).click();
    const dialog = page.getByRole('dialog');
    if (await dialog.getByLabel('Token').isVisible()) {
      await dialog.getByLabel('Token').fill(token);
      await dialog.getByRole('button', { name: 'Unlock' }).click();
    }
    await dialog.getByLabel('Reason').fill('lunch');
  });
  for (const page of looks.values()) await page.keyboard.press('Escape');
  for (const view of ['closed', 'performance', 'thresholds']) {
    await photographAll(looks, folder, view, async (page) => {
      await goTo(page, view);
      await page.locator('.panel, table').first().waitFor();
    });
  }
  await act('/api/halt', { reason: 'feed of another venue looks wrong' });
  await photographAll(looks, folder, 'findings', async (page) => {
    await goTo(page, 'findings');
    await page.reload();
    await page.getByText('foreign order').waitFor();
    await page.locator('#notice').waitFor();
    await page.locator('#health .ok').nth(3).waitFor();
  });
  const trade = await database.query<{ tradeId: string }>(
    `SELECT "tradeId" FROM "ManagedPosition" WHERE "status" = 'open' ORDER BY "entryTime" DESC LIMIT 1`,
  );
  const temporal = await browser.newPage({ viewport: { width: 1280, height: 860 }, colorScheme: 'light' });
  const workflow = `${ready.temporalUi ?? ''}/namespaces/default/workflows/trade-${trade.rows[0]?.tradeId ?? ''}`;
  for (const [tab, link] of [
    ['temporal-ui', 'User Metadata'],
    ['temporal-search-attributes', 'Search Attributes'],
  ] as const) {
    await temporal.goto(workflow);
    await temporal
      .getByRole('link', { name: link })
      .or(temporal.getByRole('tab', { name: link }))
      .first()
      .click();
    await sleep(2_500);
    await photograph(temporal, folder, tab);
  }
  await markets.stop();
} finally {
  await browser.close();
  await database.end();
  await connection.close();
  await stop();
  await rm(dataDir, { recursive: true, force: true });
}
