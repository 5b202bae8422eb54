import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { AuditedFinding, AuditReport } from '../../activities/reconcile.ts';
import { CliError } from '../errors.ts';
import { findingWords } from '../../views/finding-words.ts';
import { print, runWithSession, subcommand, type CommonOptions } from '../program.ts';
import { colors } from '../render.ts';
import { waiting } from '../waiting.ts';

/** Several looks and the settlements, on a slow day. */
const ANSWER_WITHIN_MS = 180_000;
const UNANSWERED =
  'no answer within 3 minutes: if no worker runs, open positions have no guard either; see: holdfast doctor, and the log of the worker';

const COLOUR: Readonly<Record<AuditedFinding['action'], (text: string) => string>> = {
  settled: colors.green,
  settling: colors.yellow,
  waiting: colors.yellow,
  seen: colors.yellow,
  report: colors.dim,
  failed: colors.red,
  human: colors.red,
};

export function registerReconcile(program: Command): void {
  subcommand(
    program,
    'reconcile',
    'compare exchange, database and workflows now; settle what is seen twice, and say how',
  )
    .addHelpText('after', '\nExample:\n  holdfast reconcile')
    .action((options: CommonOptions) =>
      runWithSession(options, async (session) => {
        const client = await session.client();
        const { findings } = await waiting(
          options,
          'comparing; what disagrees is looked at twice, some seconds apart',
          withinPatience(client.reconcileNow(`reconcile-cli-${randomUUID()}`)),
        );
        print(options, { findings }, () => describe(findings));
      }),
    );
}

/** @throws CliError when nobody answers, rather than let a person wait for ever. */
async function withinPatience(report: Promise<AuditReport>): Promise<AuditReport> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new CliError('reconcile-unanswered', UNANSWERED)), ANSWER_WITHIN_MS);
  });
  try {
    return await Promise.race([report, late]);
  } finally {
    clearTimeout(timer);
  }
}

function describe(findings: readonly AuditedFinding[]): string {
  if (findings.length === 0) return 'exchange, database and workflows agree';
  const lines = findings.flatMap((finding) => {
    const { seen, now } = findingWords(finding);
    return [colors.bold(finding.kind), `  seen  ${seen}`, `  now   ${COLOUR[finding.action](now)}`];
  });
  const forHuman = findings.filter(({ action }) => action === 'human' || action === 'failed').length;
  const settled = findings.filter(({ action }) => action === 'settled').length;
  lines.push(
    `${findings.length} finding${findings.length === 1 ? '' : 's'}: ${settled} settled, ${forHuman} for you`,
  );
  return lines.join('\n');
}
