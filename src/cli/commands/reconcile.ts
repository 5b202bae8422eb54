import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { print, runWithSession, subcommand, type CommonOptions } from '../program.ts';
import { table } from '../render.ts';

export function registerReconcile(program: Command): void {
  subcommand(
    program,
    'reconcile',
    'compare exchange, database and workflows now; act on what was seen twice',
  ).action((options: CommonOptions) =>
    runWithSession(options, async (session) => {
      const client = await session.client();
      const { findings } = await client.reconcileNow(`reconcile-cli-${randomUUID()}`);
      print(options, { findings }, () =>
        findings.length === 0
          ? 'exchange, database and workflows agree'
          : table(
              ['finding', 'about', 'seen', 'done'],
              findings.map(({ kind, subject, looks, action }) => [kind, subject, `${looks} times`, action]),
            ),
      );
    }),
  );
}
