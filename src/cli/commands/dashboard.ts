import type { Command } from 'commander';
import { loadConfig } from '../../config.ts';
import { exitWithParent, onStopSignal } from '../../embedded/parent-link.ts';
import { createLogger } from '../../logging.ts';
import { run, subcommand, type CommonOptions } from '../program.ts';

export function registerDashboard(program: Command): void {
  subcommand(program, 'dashboard', 'the dashboard alone, for services')
    .addHelpText(
      'after',
      '\nExample:\n  DATABASE_URL=postgresql://… KRAKEN_API_URL=https://… holdfast dashboard',
    )
    .action((options: CommonOptions) =>
      run(options, async () => {
        exitWithParent();
        const { startDashboard } = await import('../../dashboard/server.ts');
        const log = createLogger('dashboard');
        const dashboard = await startDashboard({ config: loadConfig(), log });
        onStopSignal(() => void dashboard.close());
        log.info({ event: 'ready', dashboardUrl: dashboard.url }, `dashboard at ${dashboard.url}`);
      }),
    );
}
