import { existsSync } from 'node:fs';
import path from 'node:path';
import { chromium, type Browser } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

/** The Chromium of this machine: CHROMIUM_PATH, else the first by its usual names on the PATH. Throws how to get one. */
export async function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] });
}

/**
 * Whether browser tests can't run here: a developer without Chromium sees them skipped, CI never does (there
 * the launch fails and says how to get one).
 */
export function isWithoutChromium(): boolean {
  if (process.env.CI) return false;
  try {
    chromiumPath();
    return false;
  } catch {
    return true;
  }
}

function chromiumPath(): string {
  const { CHROMIUM_PATH: given, PATH = '' } = process.env;
  if (given) {
    if (existsSync(given)) return given;
    throw new Error(`CHROMIUM_PATH is ${given}, which does not exist`);
  }
  const candidates = PATH.split(path.delimiter).flatMap((directory) =>
    NAMES.map((name) => path.join(directory, name)),
  );
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found !== undefined) return found;
  throw new Error(
    'the browser tests need Chromium: install it (on Debian: apt-get install -y chromium), or name one in CHROMIUM_PATH',
  );
}
