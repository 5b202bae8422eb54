import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { AlertReceiver } from '../support/alert-receiver.ts';
import { documentedCommands, ROOT, RUN_ON_STACK, shellWords } from '../support/documented-commands.ts';
import { PaperControl } from '../support/paper-control.ts';
import { freePortBase } from '../support/port-base.ts';
import { bareEnvironment, CLI, holdfastJson, startUpWith, type Up } from '../support/up.ts';

interface Opened {
  readonly tradeId: string;
  readonly positionId: string;
}

/** Every command of README.md and docs/*.md as it is written, in the order in which it is read, on one stack. */
describe('the commands of the documentation', { timeout: 300_000 }, () => {
  let root: string;
  let up: Up;
  let receiver: AlertReceiver;
  let database: pg.Client;

  beforeAll(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'holdfast-docs-'));
    receiver = await AlertReceiver.start();
    up = await startUpWith(
      { PREDICTION_URL: 'none', HOLDFAST_ALERT_WEBHOOK_URL: `${receiver.url}/docs` },
      ...['--data-dir', path.join(root, 'stack'), '--port-base', String(await freePortBase())],
    );
    database = new pg.Client(up.ready.databaseUrl);
    await database.connect();
    await new PaperControl(up.ready.exchangeUrl).price('BTC/USD', '10000.0', '10000.1');
    await symlink(path.join(ROOT, 'data'), path.join(root, 'data'));
    const hours = await readFile(path.join(ROOT, 'data/coinbase-btcusd-1h-2017-2018.csv'), 'utf8');
    const fewHours = hours.split('\n').slice(0, 300).join('\n');
    for (const name of ['btc.csv', 'eth.csv']) await writeFile(path.join(root, name), `${fewHours}\n`);
  }, 180_000);

  afterAll(async () => {
    await database.end();
    up.signalGroup('SIGINT');
    await up.ended;
    await receiver.close();
    await rm(root, { recursive: true, force: true });
  }, 60_000);

  /** There is one to speak of, whatever the commands before have closed. */
  async function openPosition(): Promise<Opened> {
    const { rows } = await database.query<Opened>(
      `SELECT "tradeId", "id" AS "positionId" FROM "ManagedPosition" WHERE "status" = 'open' LIMIT 1`,
    );
    const place = ['--data-dir', path.join(root, 'stack')];
    return (
      rows[0] ??
      holdfastJson('open', '--symbol', 'BTC/USD', '--notional', '250', '--wait', 'opened', ...place)
    );
  }

  function run(file: string, words: readonly string[]): Promise<{ code: number; said: string }> {
    const env = { ...bareEnvironment(), HOLDFAST_DATA_DIR: path.join(root, 'stack') };
    return new Promise((resolve) => {
      execFile(file, words, { cwd: root, env, timeout: 120_000 }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? -1), said: `${stdout}${stderr}` });
      });
    });
  }

  const server = () => ['--address', up.ready.temporalAddress];
  const commands = documentedCommands()
    .map(({ command }) => command)
    .filter(
      (command) =>
        (RUN_ON_STACK.test(command) || command.startsWith('temporal ')) && command !== 'holdfast backtest',
    );

  it.each([...new Set(commands)])('%s', async (command) => {
    const { tradeId, positionId } = await openPosition();
    const [program = '', ...words] = shellWords(
      command.replaceAll('trade-<id>', `trade-${tradeId}`).replaceAll(/<[^>]*>/g, positionId),
    );
    const isNew = command.includes('search-attribute create');
    // They are registered in the stack's own namespace already.
    if (isNew)
      await run(inject('temporalCli'), ['operator', 'namespace', 'create', '-n', 'fresh', ...server()]);
    const { code, said } =
      program === 'temporal'
        ? await run(inject('temporalCli'), [...words, ...server(), ...(isNew ? ['-n', 'fresh'] : [])])
        : await run(process.execPath, [CLI, ...words.map(watchedOnce)]);
    expect(said).not.toMatch(/\n\s+at .*:\d+:\d+\)?$/m);
    expect({ command, code, said: code === 0 ? '' : said }).toEqual({ command, code: 0, said: '' });
  });

  /** `--watch` goes on until Ctrl-C and needs a terminal; trade.test.ts watches one. */
  const watchedOnce = (word: string) => (word === '--watch' ? '--status=open' : word);
});
