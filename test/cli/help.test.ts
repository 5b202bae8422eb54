import { readdir } from 'node:fs/promises';
import { Command } from 'commander';
import { expect, it } from 'vitest';

const COMMANDS = new URL('../../src/cli/commands/', import.meta.url);

/** Every command that `holdfast` has, each with what its --help prints. */
async function helpByCommand(): Promise<[name: string, help: string][]> {
  const program = new Command('holdfast');
  for (const file of await readdir(COMMANDS)) {
    const module = (await import(new URL(file, COMMANDS).href)) as Record<string, unknown>;
    for (const [name, register] of Object.entries(module))
      if (name.startsWith('register')) (register as (program: Command) => void)(program);
  }
  return program.commands.map((command) => {
    let help = '';
    command.configureOutput({ writeOut: (text) => (help += text), getOutHelpWidth: () => 80 }).outputHelp();
    return [command.name(), help];
  });
}

it('has an example, --json and lines of 80 columns for every command', async () => {
  const commands = await helpByCommand();
  expect(commands.map(([name]) => name)).toContain('up');
  const lacking = (what: (help: string) => boolean) =>
    commands.filter(([, help]) => !what(help)).map(([name]) => name);
  expect(lacking((help) => /\nExamples?:\n {2}\S/.test(help))).toEqual([]);
  expect(lacking((help) => help.includes('--json'))).toEqual([]);
  expect(lacking((help) => help.split('\n').every((line) => line.length <= 80))).toEqual([]);
});
