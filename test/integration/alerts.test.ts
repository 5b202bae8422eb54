import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { AlertRow } from '../../db/entities/alerts.ts';
import { withText } from '../../src/domain/alerts.ts';
import {
  AlertStack,
  DISCORD_PATH,
  TELEGRAM_TOKEN,
  WEBHOOK_PATH,
  WEBHOOK_SECRET,
} from '../support/alert-stack.ts';
import { sampleClose, sampleOpen, sampleOutcome } from '../support/ledger-samples.ts';
import { holdfastWith } from '../support/up.ts';

/** The real workflow, outbox and worker; the services that people are told through fail as planned. */
describe('alerts', { timeout: 120_000 }, () => {
  let stack: AlertStack;

  beforeAll(async () => {
    stack = await AlertStack.start();
    stack.startWorker();
    await vi.waitFor(async () => expect(await stack.client.alertDeliveries()).toHaveLength(3), {
      timeout: 60_000,
      interval: 100,
    });
  }, 120_000);
  afterAll(() => stack.stop(), 60_000);
  afterEach(async () => {
    for (const service of ['webhook', 'telegram', 'discord']) stack.receiver.always(service, null);
    await expect.poll(waiting, { timeout: 60_000 }).toEqual([]);
    stack.receiver.received.length = 0;
  });

  /** Ids that some destination has not been told yet. */
  async function waiting(): Promise<string[]> {
    const rows = await stack.sql('SELECT "id" FROM "Alert" WHERE "handedOverAt" IS NULL');
    const deliveries = await stack.client.alertDeliveries();
    const under = deliveries.flatMap(({ state }) => state.waiting.map(({ id }) => id));
    return [...rows.map(({ id }) => String(id)), ...under];
  }

  const open = (id: string) => stack.repositories.ledger.persistOpen(sampleOpen(id));
  const close = (id: string) =>
    stack.repositories.ledger.recordClose(sampleClose(id), sampleOpen(id), sampleOutcome(id), []);
  const halt = (reason: string) => stack.repositories.halts.start({ reason, actor: 'ann', flatten: false });

  /** Ids of the alerts that the webhook took, in order. */
  const webhookTook = () => stack.receiver.takenBy('webhook').map(({ body }) => String(body.id));
  /** Lines of the messages that a chat took, in order. */
  const chatTook = (service: 'telegram' | 'discord') =>
    stack.receiver.takenBy(service).map(({ body }) => String(body.text ?? body.content).split('\n'));

  it('reach every destination once, though each fails at first', async () => {
    const { receiver } = stack;
    receiver.plan('webhook', { status: 500 }, 'reset', { status: 429, retryAfterSeconds: 2 });
    receiver.plan('telegram', { status: 429, body: { parameters: { retry_after: 2 } } }, { status: 502 });
    receiver.plan('discord', { status: 429, body: { retry_after: 1.5 } }, { status: 404 }, 'silence');
    await open('one');
    await close('one');
    const closed = 'closed:kraken-Oone';
    const opened = 'opened:kraken-Oone';
    await expect.poll(webhookTook, { timeout: 30_000 }).toHaveLength(2);
    expect(webhookTook().sort()).toEqual([closed, opened]);
    await expect.poll(() => chatTook('telegram').flat(), { timeout: 30_000 }).toHaveLength(2 + 1);
    await expect.poll(() => chatTook('discord').flat(), { timeout: 30_000 }).toHaveLength(2 + 1);
    const lines = [
      'Opened long BTC/USD: 0.00412345 at 60123.4 (kraken-Oone)',
      expect.stringMatching(/^Closed long BTC\/USD by take-profit at 60500: \+.* \(kraken-Oone\)$/) as string,
    ];
    // Behind a 502, and where no answer came, it may have been taken: people are told that they may read it twice.
    for (const service of ['telegram', 'discord'] as const)
      expect(chatTook(service).flat()).toEqual(expect.arrayContaining(['(may be a repeat)', ...lines]));

    const asked = receiver.sentTo('webhook');
    const waited = (service: string, status: number) => {
      const sent = receiver.sentTo(service);
      const index = sent.findIndex((each) => each.status === status);
      return sent[index + 1]!.atMs - sent[index]!.atMs;
    };
    expect(waited('webhook', 429)).toBeGreaterThanOrEqual(2_000);
    expect(waited('telegram', 429)).toBeGreaterThanOrEqual(2_000);
    expect(waited('discord', 429)).toBeGreaterThanOrEqual(1_500);
    const [first] = asked;
    for (const { headers, body } of asked) {
      expect(headers['idempotency-key']).toBe(body.id);
      const signature = createHmac('sha256', WEBHOOK_SECRET).update(JSON.stringify(body)).digest('hex');
      expect(headers['holdfast-signature']).toBe(`sha256=${signature}`);
    }
    expect(
      asked.filter(({ body }) => body.id === first!.body.id).map(({ body }) => body.mayBeRepeat),
    ).toEqual([false, false, true, true]);
  });

  it('survive kill -9 of the worker in the middle of a send: none is lost, the key of the repeat is the same', async () => {
    const { receiver } = stack;
    receiver.plan('webhook', 'silence');
    receiver.plan('telegram', 'silence');
    await open('killed');
    await expect.poll(() => receiver.sentTo('webhook').length, { timeout: 20_000 }).toBe(1);
    await expect.poll(() => receiver.sentTo('telegram').length, { timeout: 20_000 }).toBe(1);
    await stack.killWorker();
    await close('killed');
    stack.startWorker();
    await expect.poll(webhookTook, { timeout: 60_000 }).toHaveLength(2);
    expect(webhookTook()).toEqual(['opened:kraken-Okilled', 'closed:kraken-Okilled']);
    const [cut, repeat] = receiver.sentTo('webhook');
    expect(repeat!.headers['idempotency-key']).toBe(cut!.headers['idempotency-key']);
    await expect.poll(() => chatTook('telegram').flat(), { timeout: 60_000 }).toHaveLength(3);
    expect(chatTook('telegram')[0]).toEqual(['(may be a repeat)', expect.stringContaining('Opened')]);
  });

  it('are told once though the hand-over to Temporal is repeated', async () => {
    await stack.killWorker();
    await open('twice');
    const toAlert = ({ id, kind, facts, occurredAt }: AlertRow) =>
      withText({ id, kind, facts, atMs: occurredAt });
    const cutOff = stack.repositories.alerts.handOver(10, async (rows) => {
      for (const destination of ['webhook', 'telegram', 'discord'] as const) {
        await stack.client.raiseAlerts(destination, rows.map(toAlert));
      }
      throw new Error('killed before it could note that Temporal has it');
    });
    await expect(cutOff).rejects.toThrow('killed before');
    stack.startWorker();
    await expect.poll(waiting, { timeout: 60_000 }).toEqual([]);
    await expect.poll(webhookTook).toEqual(['opened:kraken-Otwice']);
    expect(chatTook('discord')).toHaveLength(1);
  });

  it('that pile up at a dead chat are told together, the most urgent first, and hold up no other destination', async () => {
    const { receiver } = stack;
    receiver.always('telegram', { status: 503 });
    const ids = Array.from({ length: 12 }, (_, index) => `pile${index}`);
    for (const id of ids) await open(id);
    const started = await halt('enough');
    await expect.poll(webhookTook, { timeout: 30_000 }).toHaveLength(13);
    expect(new Set(webhookTook())).toEqual(
      new Set([...ids.map((id) => `opened:kraken-O${id}`), `halt:${started.id}`]),
    );
    expect(receiver.takenBy('webhook').find(({ body }) => body.kind === 'halt')!.body).toMatchObject({
      text: 'HALTED by ann: enough; no entry is taken until holdfast resume',
      facts: { reason: 'enough', actor: 'ann', flatten: false },
      occurredAt: expect.stringMatching(/^20\d\d-.*Z$/) as string,
    });
    expect(receiver.takenBy('telegram')).toEqual([]);
    receiver.always('telegram', null);
    await expect.poll(() => chatTook('telegram').flat(), { timeout: 60_000 }).toHaveLength(13);
    const messages = chatTook('telegram');
    expect(messages.length).toBeLessThanOrEqual(3);
    const position = (text: string) => messages.flat().findIndex((line) => line.includes(text));
    // All but what was being tried when it came had to let it pass.
    expect(position('HALTED by ann: enough')).toBeLessThanOrEqual(messages[0]!.length);
    for (const id of ids)
      expect(messages.flat().filter((line) => line.includes(`kraken-O${id})`))).toHaveLength(1);
  });

  it('that a service refuses for good cost only themselves', async () => {
    const before = (await stack.client.alertDeliveries()).find(
      ({ destination }) => destination === 'discord',
    )!;
    stack.receiver.always('discord', { status: 503 });
    await open('good1');
    await open('bad');
    await open('good2');
    await expect.poll(() => stack.receiver.sentTo('discord').length, { timeout: 20_000 }).toBeGreaterThan(0);
    await expect.poll(() => webhookTook().length, { timeout: 20_000 }).toBe(3);
    // Together they are refused, and alone one of them is.
    stack.receiver.plan('discord', { status: 400 }, { status: 400, body: { message: 'no such thing' } });
    stack.receiver.always('discord', null);
    await expect.poll(waiting, { timeout: 60_000 }).toEqual([]);
    const after = (await stack.client.alertDeliveries()).find(
      ({ destination }) => destination === 'discord',
    )!;
    expect(after.state.refused + after.state.delivered).toBe(
      before.state.refused + before.state.delivered + 3,
    );
    expect(after.state.refused - before.state.refused).toBeGreaterThanOrEqual(1);
    expect(chatTook('discord').flat()).toHaveLength(3 - (after.state.refused - before.state.refused));
  });

  it('are sent on demand by the way that real ones go, and say what is wrong', async () => {
    const run = (...args: string[]) => holdfastWith(stack.environment, 'alerts', ...args);
    stack.receiver.plan('telegram', { status: 400, body: { description: 'Bad Request: chat not found' } });
    const test = await run('test');
    expect(test.stdout.split('\n')).toEqual([
      'webhook: delivered',
      'telegram: refused: HTTP 400: Bad Request: chat not found',
      'discord: delivered',
      '',
    ]);
    expect(test.code).toBe(1);
    expect(stack.receiver.takenBy('webhook')[0]!.body).toMatchObject({ kind: 'test' });
    const list = await run('list');
    expect(list.stdout).toContain('Opened long BTC/USD: 0.00412345 at 60123.4 (kraken-Opile0)');
    expect(list.stdout).toMatch(/^telegram: \d+ delivered, 0 waiting, \d+ refused$/m);
  });

  it('leave no secret in a history or a log, whatever the services answer', async () => {
    const secrets = [
      TELEGRAM_TOKEN,
      WEBHOOK_SECRET,
      WEBHOOK_PATH.split('/')[1]!,
      DISCORD_PATH.split('/')[1]!,
      stack.receiver.url,
    ];
    const echo = {
      message: `no route /${DISCORD_PATH}`,
      description: `no route /bot${TELEGRAM_TOKEN}/sendMessage`,
    };
    for (const service of ['telegram', 'discord'])
      stack.receiver.plan(service, { status: 404, body: echo }, { status: 400, body: echo });
    await open('secret');
    await expect.poll(() => stack.receiver.sentTo('discord').length, { timeout: 20_000 }).toBeGreaterThan(1);
    await expect.poll(() => stack.receiver.sentTo('telegram').length, { timeout: 20_000 }).toBeGreaterThan(1);
    await expect.poll(waiting, { timeout: 20_000 }).toEqual([]);
    const { state } = (await stack.client.alertDeliveries()).find(
      ({ destination }) => destination === 'discord',
    )!;
    expect(state.lastTrouble).toBe('HTTP 400: no route /discord/***');
    for (const destination of ['webhook', 'telegram', 'discord'] as const) {
      const history = await stack.history(destination);
      for (const secret of secrets) {
        expect(history).not.toContain(secret);
        expect(history).not.toContain(Buffer.from(secret).toString('base64').slice(0, -4));
      }
    }
    const logged = stack.logged.join('');
    expect(logged).toContain('alert-not-delivered');
    for (const secret of secrets) expect(logged).not.toContain(secret);
  });
});
