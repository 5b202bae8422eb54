import type { Command } from 'commander';
import { loadConfig } from '../../config.ts';
import { exitWithParent, onStopSignal } from '../../embedded/parent-link.ts';
import { createLogger } from '../../logging.ts';
import { reportError } from '../errors.ts';
import { run, subcommand, type CommonOptions } from '../program.ts';

export function registerWorker(program: Command): void {
  subcommand(program, 'worker', 'one worker alone, for services')
    .addHelpText('after', '\nExample:\n  HOLDFAST_METRICS_PORT=9464 holdfast worker')
    .action((options: CommonOptions) =>
      run(options, async () => {
        exitWithParent();
        const { startWorker } = await import('../../worker.ts');
        const log = createLogger('worker');
        const worker = await startWorker(loadConfig(), log).catch((error: unknown) => {
          reportError(error, options.json === true);
          // What it has opened already would keep it alive, and whoever starts it again would wait for its end.
          process.exit();
        });
        onStopSignal(() => {
          log.info({ event: 'stopping' }, 'stopping');
          void worker.stop();
        });
        log.info(
          { event: 'ready', workerId: worker.workerId, metricsUrl: worker.metricsUrl },
          'worker ready',
        );
        await worker.ended;
      }),
    );
}
