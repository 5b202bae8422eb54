import tab from '@bomb.sh/tab/commander';
import { Command, CommanderError } from 'commander';
import { outliveReaders } from './broken-pipe.ts';
import { registerAlerts } from './commands/alerts.ts';
import { registerBacktest } from './commands/backtest.ts';
import { registerBuilds } from './commands/builds.ts';
import { registerCheck } from './commands/check.ts';
import { registerDashboard } from './commands/dashboard.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerExit } from './commands/exit.ts';
import { registerExport } from './commands/export.ts';
import { registerHalt, registerResume } from './commands/halt.ts';
import { registerOpen } from './commands/open.ts';
import { registerPaper } from './commands/paper.ts';
import { registerPositions } from './commands/positions.ts';
import { registerReconcile } from './commands/reconcile.ts';
import { registerShow } from './commands/show.ts';
import { registerStats } from './commands/stats.ts';
import { registerThresholds } from './commands/thresholds.ts';
import { registerUp } from './commands/up.ts';
import { registerWorker } from './commands/worker.ts';
import { explainUsage } from './program.ts';

outliveReaders();

const program = new Command('holdfast')
  .description(
    'Durable trading on Temporal: a position is never unknown, never unprotected, never counted twice.',
  )
  .showHelpAfterError(false)
  .configureOutput({ writeErr: () => undefined })
  .exitOverride();

for (const register of [
  registerUp,
  registerOpen,
  registerPositions,
  registerShow,
  registerExit,
  registerHalt,
  registerResume,
  registerThresholds,
  registerStats,
  registerReconcile,
  registerExport,
  registerAlerts,
  registerCheck,
  registerDoctor,
  registerBuilds,
  registerWorker,
  registerPaper,
  registerDashboard,
  registerBacktest,
]) {
  register(program);
}
tab(program, { completionCommandName: 'completion' });
for (const command of program.commands) command.exitOverride().configureOutput({ writeErr: () => undefined });

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  if (error.code === 'commander.help') process.stdout.write(program.helpInformation());
  else explainUsage(error, process.argv.includes('--json'));
}
