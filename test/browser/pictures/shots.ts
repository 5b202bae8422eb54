import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';

/** How each view is looked at. */
const LOOKS: Readonly<Record<string, BrowserContextOptions>> = {
  light: { colorScheme: 'light', viewport: { width: 1440, height: 900 } },
  dark: { colorScheme: 'dark', viewport: { width: 1440, height: 900 } },
  phone: {
    ...{ colorScheme: 'dark', viewport: { width: 390, height: 844 } },
    ...{ deviceScaleFactor: 2, isMobile: true, hasTouch: true },
  },
};
const QUALITY = 88;

export type Looks = ReadonlyMap<string, Page>;

/** The dashboard in every look; the pages stay open, so that they have seen some marks when they are photographed. */
export async function openLooks(browser: Browser, url: string): Promise<Looks> {
  const pages = new Map<string, Page>();
  for (const [look, options] of Object.entries(LOOKS)) {
    const context = await browser.newContext({ ...options, reducedMotion: 'reduce' });
    const page = await context.newPage();
    await page.goto(url);
    pages.set(look, page);
  }
  return pages;
}

/** A lossy WebP is a fifth of the PNG. */
export async function photograph(page: Page, folder: string, name: string): Promise<void> {
  await page.bringToFront();
  // What has just happened lies over what the picture is of.
  await page.evaluate(`document.getElementById('toasts')?.replaceChildren()`);
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: QUALITY });
  await session.detach();
  await writeFile(path.join(folder, `${name}.webp`), Buffer.from(data, 'base64'));
}

/** One view in every look, after `prepare` has brought each page there. */
export async function photographAll(
  looks: Looks,
  folder: string,
  view: string,
  prepare: (page: Page, look: string) => Promise<void>,
): Promise<void> {
  for (const [look, page] of looks) {
    await page.bringToFront();
    await prepare(page, look);
    await photograph(page, folder, `dashboard-${view}-${look}`);
  }
}

export async function goTo(page: Page, view: string): Promise<void> {
  await page.evaluate(`location.hash = '${view}'`);
  await page.locator('#content > section h1').waitFor();
  await page.locator(`#tab-${view}[aria-current]`).waitFor();
}
