import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  commandsIn,
  documentedCommands,
  NOT_RUN,
  ROOT,
  RUN_ELSEWHERE,
  RUN_ON_STACK,
  shellWords,
} from '../support/documented-commands.ts';

describe('the commands of the documentation', () => {
  it('are each run by a test, or named as run by none', () => {
    const commands = documentedCommands();
    expect(commands.length).toBeGreaterThan(20);
    const untested = commands.filter(
      ({ command }) =>
        !RUN_ON_STACK.test(command) &&
        !command.startsWith('temporal ') &&
        ![...RUN_ELSEWHERE, ...NOT_RUN].some(({ pattern }) => pattern.test(command)),
    );
    expect(untested).toEqual([]);
  });

  it('are npm scripts where they say so', () => {
    const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const named = documentedCommands().flatMap(({ command }) => /^npm run (\S+)/.exec(command)?.[1] ?? []);
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  it.each(RUN_ELSEWHERE)('$pattern is run by $test', ({ test, contains }) => {
    expect(existsSync(path.join(ROOT, test))).toBe(true);
    expect(readFileSync(path.join(ROOT, test), 'utf8')).toContain(contains);
  });

  it('are found in blocks and in the text', () => {
    const markdown = [
      'Run `npx holdfast stats` or `holdfast exit <id>`, not `holdfast` or `temporal`.',
      ...['```bash', 'npm ci && npm start  # here', 'export A=1', 'temporal a \\', '  --b c', '```'],
      ...['```sql', 'SELECT 1;', '```', '```', '┌── npx', 'npx holdfast check', '```'],
    ].join('\n');
    expect(commandsIn(markdown)).toEqual([
      ...['npm ci', 'npm start', 'temporal a --b c', 'holdfast check'],
      ...['holdfast stats', 'holdfast exit <id>'],
    ]);
    expect(shellWords(`holdfast exit --reason "out to lunch" --input '{"a":1}'`)).toEqual([
      ...['holdfast', 'exit', '--reason', 'out to lunch', '--input', '{"a":1}'],
    ]);
  });
});
