import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Argument, Option, type Command } from 'commander';
import type { AlertDelivery, HoldfastClient } from '../../client.ts';
import { DESTINATIONS, withText, type Destination } from '../../domain/alerts.ts';
import { CliError } from '../errors.ts';
import { operator } from '../operator.ts';
import { print, runWithSession, subcommand, type CommonOptions } from '../program.ts';
import { time } from '../render.ts';
import type { Session } from '../session.ts';

interface AlertsOptions extends CommonOptions {
  readonly destination?: Destination;
}

interface TestResult {
  readonly destination: Destination;
  readonly ok: boolean;
  readonly detail: string;
}

const DELIVERED_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 250;

export function registerAlerts(program: Command): void {
  subcommand(program, 'alerts', 'what people were told, and how each destination stands')
    .addArgument(
      new Argument('[what]', '`test` sends an alert the way real ones go and waits for its arrival')
        .choices(['list', 'test'])
        .default('list'),
    )
    .addOption(new Option('--destination <name>', 'of a test: only there').choices([...DESTINATIONS]))
    .addHelpText('after', '\nExamples:\n  holdfast alerts\n  holdfast alerts test --destination telegram')
    .action((what: 'list' | 'test', options: AlertsOptions) =>
      runWithSession(options, (session) => (what === 'test' ? test : list)(session, options)),
    );
}

async function list(session: Session, options: AlertsOptions): Promise<void> {
  const { alerts: store } = await session.repositories();
  const client = await session.client();
  const [rows, deliveries] = await Promise.all([store.list(), client.alertDeliveries()]);
  const alerts = rows.map((row) => ({ ...row, text: withText({ ...row, atMs: row.occurredAt }).text }));
  const destinations = deliveries.map(({ destination, state, attempt, trouble }) => {
    const { delivered, refused, leftOut, lastDeliveredAtMs } = state;
    const waiting = state.waiting.length;
    return { destination, delivered, waiting, refused, leftOut, lastDeliveredAtMs, attempt, trouble };
  });
  print(options, { alerts, destinations }, () =>
    [
      ...alerts.map(({ occurredAt, text }) => `${time(occurredAt)}  ${text}`),
      ...(destinations.length === 0 ? [NOWHERE] : []),
      ...destinations.map(
        ({ destination, delivered, waiting, refused, attempt, trouble }) =>
          `${destination}: ${delivered} delivered, ${waiting} waiting, ${refused} refused` +
          (attempt !== null && attempt > 1 ? `; try ${attempt}: ${trouble ?? 'no answer'}` : ''),
      ),
    ].join('\n'),
  );
}

async function test(session: Session, options: AlertsOptions): Promise<void> {
  const client = await session.client();
  const deliveries = await client.alertDeliveries();
  const wanted = deliveries
    .map(({ destination }) => destination)
    .filter((destination) => options.destination === undefined || options.destination === destination);
  if (wanted.length === 0) throw new CliError('no-destination', NOWHERE);
  const results = await Promise.all(wanted.map((destination) => testOne(client, destination)));
  print(options, { results }, () =>
    results.map(({ destination, detail }) => `${destination}: ${detail}`).join('\n'),
  );
  if (results.some(({ ok }) => !ok)) process.exitCode = 1;
}

const NOWHERE =
  'alerts go nowhere: set HOLDFAST_ALERT_WEBHOOK_URL, HOLDFAST_ALERT_TELEGRAM_TOKEN and _CHAT, or HOLDFAST_ALERT_DISCORD_URL for the workers';

async function testOne(client: HoldfastClient, destination: Destination): Promise<TestResult> {
  const id = `test:${randomUUID()}`;
  await client.raiseAlerts(destination, [
    withText({ id, kind: 'test', atMs: Date.now(), facts: { actor: operator() } }),
  ]);
  const untilMs = Date.now() + DELIVERED_WITHIN_MS;
  let trouble: string | null = null;
  while (Date.now() < untilMs) {
    const now = (await client.alertDeliveries()).find((delivery) => delivery.destination === destination);
    const result = now && judged(now, id);
    if (result) return result;
    trouble = now?.trouble ?? trouble;
    await delay(LOOK_EVERY_MS);
  }
  const why = trouble ?? 'nobody has sent it; is a worker running?';
  return { destination, ok: false, detail: `not delivered within 30 s, tried on: ${why}` };
}

/** Undefined while it is under way. */
function judged({ destination, state }: AlertDelivery, id: string): TestResult | undefined {
  if (state.waiting.some((alert) => alert.id === id)) return undefined;
  if (state.lastRefused?.id !== id) return { destination, ok: true, detail: 'delivered' };
  return { destination, ok: false, detail: `refused: ${state.lastRefused.why}` };
}
