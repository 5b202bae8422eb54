import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCandlesCsv } from '../../src/backtest/read/read-candles.ts';
import { reportHtml } from '../../src/backtest/report/report.ts';
import { runBacktest } from '../../src/backtest/run.ts';
import { summarize } from '../../src/backtest/summary.ts';
import { warningsOf } from '../../src/backtest/warnings.ts';
import { isWithoutChromium, launchChromium } from '../support/chromium.ts';

const CANDLES = fileURLToPath(new URL('../../data/coinbase-btcusd-1h-2017-2018.csv', import.meta.url));
/** Below it nobody reads a label. */
const LEAST_PX = 11;

describe.skipIf(isWithoutChromium())('the report of a backtest', () => {
  let directory: string;
  let browser: Browser;
  let url: string;

  beforeAll(async () => {
    browser = await launchChromium();
    directory = await mkdtemp(path.join(tmpdir(), 'holdfast-report-'));
    const series = [readCandlesCsv('BTC/USD', 'year.csv', readFileSync(CANDLES), null)];
    const result = runBacktest(series, { toMs: Date.UTC(2017, 8, 1) });
    const summary = summarize(result, '10000');
    const warnings = warningsOf(series, result, summary);
    const file = path.join(directory, 'report.html');
    await writeFile(file, reportHtml({ series, result, summary, warnings, learn: false }));
    url = pathToFileURL(file).href;
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await rm(directory, { recursive: true, force: true });
  });

  test.each([1240, 390])(
    'can be read %i px wide: nothing overflows, and no label is too small',
    async (width) => {
      const page = await browser.newPage({ viewport: { width, height: 900 } });
      const [asked, wrong]: [string[], string[]] = [[], []];
      page.on('request', (request) => asked.push(request.url()));
      page.on('pageerror', (error) => wrong.push(error.message));
      page.on('console', (line) => {
        if (line.type() === 'error') wrong.push(line.text());
      });
      await page.goto(url);
      await page.locator('#equity canvas').waitFor();
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      // As it is seen: a drawing that shrinks with its page shrinks its words too.
      const small = await page.evaluate(`[...document.querySelectorAll('main *')]
      .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
      .filter((element) => {
        const shrunk = element.ownerSVGElement ? element.getScreenCTM().a : 1;
        return parseFloat(getComputedStyle(element).fontSize) * shrunk < ${LEAST_PX};
      })
      .map((element) => element.textContent)`);
      expect(small).toEqual([]);
      expect(wrong).toEqual([]);
      expect(asked).toEqual([url]);
      await page.close();
    },
  );
});
