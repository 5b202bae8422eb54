import type { Command } from 'commander';
import type { CheckResult, CheckStatus } from '../doctor/check.ts';
import { CliError } from '../errors.ts';
import { runWithSession, subcommand, type CommonOptions } from '../program.ts';
import { colors } from '../render.ts';
import type { Session } from '../session.ts';

const NAME_WIDTH = 20;
const VERDICTS: Readonly<Record<CheckStatus, string>> = {
  ok: colors.green('ok'.padEnd(8)),
  warning: colors.yellow('warning '),
  failed: colors.red('FAILED'.padEnd(8)),
};

export function registerDoctor(program: Command): void {
  subcommand(program, 'doctor', 'connections, clock, rights of the API key, nonce window, versions')
    .addHelpText('after', '\nExamples:\n  holdfast doctor\n  holdfast doctor --json | jq .ok')
    .action((options: CommonOptions) =>
      runWithSession(options, async (session) => {
        const checks = await examine(session, (result) => {
          if (!options.json) process.stdout.write(`${line(result)}\n`);
        });
        const bad = checks.filter(({ status }) => status === 'failed');
        if (options.json) {
          process.stdout.write(`${JSON.stringify({ ok: bad.length === 0, checks })}\n`);
          if (bad.length > 0) process.exitCode = 1;
          return;
        }
        if (bad.length === 0) return;
        throw new CliError('doctor-failed', bad.map(({ name, detail }) => `${name}: ${detail}`).join('; '));
      }),
    );
}

function line({ name, status, detail }: CheckResult): string {
  return `${VERDICTS[status]} ${name.padEnd(NAME_WIDTH)} ${detail}`;
}

/** One check after the other, so that a person sees which one takes its time. */
async function examine(session: Session, told: (result: CheckResult) => void): Promise<CheckResult[]> {
  const { runCheck } = await import('../doctor/check.ts');
  const { openPatient } = await import('../doctor/patient.ts');
  const { checks, close } = await openPatient(session);
  const results: CheckResult[] = [];
  try {
    for (const check of checks) {
      const result = await runCheck(check);
      results.push(result);
      told(result);
    }
  } finally {
    close();
  }
  return results;
}
