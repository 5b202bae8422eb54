import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The commands that README.md and docs/*.md give their readers. */

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Documented {
  /** As written, without `npx` and comments. */
  readonly command: string;
  readonly where: string;
}

const STARTS = /^(npx |holdfast |npm |temporal |docker |node |git )/;

export function documentedCommands(): Documented[] {
  const docs = readdirSync(path.join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', ...docs.map((name) => `docs/${name}`)].flatMap((file) =>
    commandsIn(readFileSync(path.join(ROOT, file), 'utf8')).map((command) => ({ command, where: file })),
  );
}

export function commandsIn(markdown: string): string[] {
  const fences = /^( *)```(\w*)\n([\s\S]*?)^\1```/gm;
  const fenced = [...markdown.matchAll(fences)].flatMap(([, , language = '', block = '']) =>
    ['', 'bash', 'sh', 'console'].includes(language) ? linesOf(block, language !== '') : [],
  );
  const inline = [...markdown.replace(fences, '').matchAll(/`([^`\n]+)`/g)].flatMap(([, code = '']) =>
    STARTS.test(`${code.trim()} `) && /\s/.test(code.trim()) && !code.includes('…') ? steps(code) : [],
  );
  return [...fenced, ...inline];
}

/** In a block that says it is of a shell every line is a command; in others the lines that look like one. */
function linesOf(block: string, isShell: boolean): string[] {
  return block
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '' && !/^(#|export )/.test(line) && (isShell || STARTS.test(line)))
    .flatMap(steps);
}

function steps(line: string): string[] {
  return line.split(' && ').map((step) => step.trim().replace(/^npx (?=holdfast)/, ''));
}

/** Words of a shell line, with its quotes taken off; nothing else of a shell is understood. */
export function shellWords(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|[^\s'"]+/g)].map(
    ([word, single, double]) => single ?? double ?? word,
  );
}

/** `holdfast` commands that the long test runs on one stack, in the order in which they are written. */
export const RUN_ON_STACK =
  /^holdfast (open|positions|show|exit|thresholds|stats|check|reconcile|doctor|halt|resume|backtest|export|alerts|completion|up --help)\b/;

/** What is run elsewhere, by a test that has to contain these words. */
export const RUN_ELSEWHERE: readonly {
  readonly pattern: RegExp;
  readonly test: string;
  readonly contains: string;
}[] = [
  { pattern: /^npm ci$/, test: '.ci/run', contains: 'npm ci' },
  { pattern: /^npm test$/, test: '.ci/run', contains: 'npm test' },
  { pattern: /^npm start$/, test: 'test/integration/demo.test.ts', contains: "'--demo'" },
  { pattern: /^npm run test:(long|domain)$/, test: 'vitest.config.ts', contains: "name: 'long'" },
  {
    pattern: /^npx vitest run --project long /,
    test: 'vitest.config.ts',
    contains: 'test/chaos/unguarded.test.ts',
  },
  {
    pattern: /^npx vitest run --project stack test\/browser\/dashboard\.test\.ts$/,
    test: 'test/browser/dashboard.test.ts',
    contains: "bench: 'dashboard'",
  },
  { pattern: /^npm run chaos /, test: 'test/chaos/storm.test.ts', contains: 'runShortStorm(' },
  { pattern: /^npm run bench /, test: 'test/integration/benchmarks.test.ts', contains: '--quick' },
  { pattern: /^npm run soak /, test: 'test/integration/benchmarks.test.ts', contains: 'soak' },
  { pattern: /^holdfast up( |$)(?!--help)/, test: 'test/integration/up.test.ts', contains: 'startUp' },
  {
    pattern: /^holdfast (worker|dashboard|paper)$/,
    test: 'src/embedded/stack-starter.ts',
    contains: "['worker']",
  },
  { pattern: /^holdfast builds/, test: 'test/chaos/versioning.test.ts', contains: "'builds'" },
];

/** What no test runs, and why. */
export const NOT_RUN: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  { pattern: /^docker /, why: 'needs a Docker daemon' },
];
