import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKrakenExchange, type KrakenExchange } from '../../src/exchange/kraken/kraken-exchange.ts';
import type { CallPriority, OrderRequest, SubmitOutcome } from '../../src/exchange/port.ts';
import {
  recordedLog,
  SAMPLE_KEY,
  SAMPLE_SECRET,
  startScriptedKraken,
  type ReceivedCall,
  type ScriptedKraken,
} from './scripted-kraken.ts';

let kraken: ScriptedKraken;
let exchange: KrakenExchange;
/** Our clock, ahead of the machine's. */
let aheadMs: number;

beforeEach(async () => {
  aheadMs = 0;
  kraken = await startScriptedKraken();
  kraken.on('AddOrder', ({ params }) => ({ result: { descr: {}, txid: [idOf(params.cl_ord_id)] } }));
  kraken.on('AddOrderBatch', ({ orders }) => ({
    result: { orders: orders.map(({ cl_ord_id }) => ({ descr: {}, txid: idOf(cl_ord_id) })) },
  }));
  exchange = createKrakenExchange({
    restUrl: kraken.url,
    key: SAMPLE_KEY,
    secret: SAMPLE_SECRET,
    timeoutMs: 400,
    now: () => Date.now() + aheadMs,
    log: recordedLog(),
  });
  await exchange.instruments();
  await exchange.clockOffsetMs();
});

afterEach(async () => {
  exchange.close();
  await kraken.close();
});

/** The order id that the scripted exchange gives an order of this client id. */
function idOf(clientOrderId: unknown): string {
  return `OABCDE-FGHIJ-${String(clientOrderId).slice(-6)}`;
}

const clientOrderId = (number: number) => `hfeABCDEFGHIJ${String(number).padStart(6, '0')}`;

function submit(number: number, changes: Partial<OrderRequest> = {}, priority: CallPriority = 'exit') {
  return exchange.submit(
    {
      clientOrderId: clientOrderId(number),
      symbol: 'BTC/USD',
      side: 'sell',
      type: 'market',
      quantity: '0.01',
      deadlineMs: Date.now() + 10_000,
      ...changes,
    },
    priority,
  );
}

const accepted = (number: number): SubmitOutcome => ({
  kind: 'accepted',
  exchangeOrderId: idOf(clientOrderId(number)),
});

/**
 * Lets `orders` wait behind an order that is under way until `meanwhile` is over; resolves to their outcomes without
 * that one's.
 */
async function behindAnother(
  orders: () => Promise<SubmitOutcome>[],
  meanwhile: () => unknown = () => undefined,
): Promise<SubmitOutcome[]> {
  const answer = ({ params }: ReceivedCall) => ({ result: { descr: {}, txid: [idOf(params.cl_ord_id)] } });
  let release: () => void = () => undefined;
  const arrived = new Promise<void>((hasArrived) => {
    kraken.on('AddOrder', async (call) => {
      kraken.on('AddOrder', answer);
      hasArrived();
      await new Promise<void>((resolve) => (release = resolve));
      return answer(call);
    });
  });
  const first = submit(0, { symbol: 'SOL/USD' });
  await arrived;
  let settled = 0;
  const outcomes = orders().map((outcome) => outcome.finally(() => (settled += 1)));
  // Each asks for the exchange's time before it takes its place.
  while (exchange.callBudget().waiting + settled < outcomes.length) await nextTurn();
  await meanwhile();
  release();
  expect(await first).toMatchObject({ kind: 'accepted' });
  return Promise.all(outcomes);
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const sentIds = (call: ReceivedCall) => call.orders.map(({ cl_ord_id }) => cl_ord_id);

describe('exits that wait together', () => {
  it('leave in batches of one pair, each with an outcome of its own', async () => {
    const outcomes = await behindAnother(() => [
      ...numbers(17).map((number) => submit(number, number === 2 ? { leverage: 2, reduceOnly: true } : {})),
      submit(18, { symbol: 'ETH/USD' }),
    ]);
    expect(outcomes).toEqual(numbers(18).map(accepted));
    const [full, rest, ...more] = kraken.sent('AddOrderBatch');
    expect(more).toEqual([]);
    expect(sentIds(full!)).toEqual(numbers(15).map(clientOrderId));
    expect(sentIds(rest!)).toEqual([16, 17].map(clientOrderId));
    expect(full).toMatchObject({ signatureHolds: true, params: { pair: 'XXBTZUSD' } });
    expect(full?.orders[0]).toEqual({
      type: 'sell',
      ordertype: 'market',
      volume: '0.01',
      oflags: 'fciq',
      cl_ord_id: clientOrderId(1),
    });
    expect(full?.orders[1]).toMatchObject({ leverage: '2', reduce_only: true });
    expect(kraken.sent('AddOrder').map(({ params }) => params.cl_ord_id)).toEqual([0, 18].map(clientOrderId));
  });

  it('share the earliest deadline, and leave behind what is past its own', async () => {
    const earliestMs = Date.now() + 5_000;
    const late: Promise<SubmitOutcome>[] = [];
    const outcomes = await behindAnother(
      () => {
        late.push(submit(3, { deadlineMs: Date.now() + 100 }));
        return [
          submit(1, { deadlineMs: earliestMs + 3_000 }),
          submit(2, { deadlineMs: earliestMs }),
          ...late,
        ];
      },
      () => Promise.all(late),
    );
    expect(outcomes).toMatchObject([accepted(1), accepted(2), { kind: 'refused', code: 'deadline-passed' }]);
    const [batch] = kraken.sent('AddOrderBatch');
    expect(sentIds(batch!)).toEqual([1, 2].map(clientOrderId));
    expect(Math.abs(Date.parse(batch?.params.deadline ?? '') - earliestMs)).toBeLessThan(1_000);
  });

  it('do not wait for one whose time is nearly up', async () => {
    const soonMs = Date.now() + 8_000;
    const outcomes = await behindAnother(
      () => numbers(4).map((number) => submit(number, number === 2 ? { deadlineMs: soonMs } : {})),
      () => (aheadMs = 7_500),
    );
    expect(outcomes).toEqual(numbers(4).map(accepted));
    expect(kraken.sent('AddOrder').map(({ params }) => params.cl_ord_id)).toEqual(
      [0, 1, 2].map(clientOrderId),
    );
    expect(kraken.sent('AddOrderBatch').map(sentIds)).toEqual([[3, 4].map(clientOrderId)]);
  });

  it('are refused one by one where the exchange says so', async () => {
    kraken.on('AddOrderBatch', ({ orders }) => ({
      result: {
        orders: orders.map(({ cl_ord_id }, index) =>
          index === 1 ? { error: 'EOrder:Insufficient funds' } : { txid: idOf(cl_ord_id) },
        ),
      },
    }));
    const outcomes = await behindAnother(() => numbers(3).map((number) => submit(number)));
    expect(outcomes).toMatchObject([
      accepted(1),
      { kind: 'refused', code: 'EOrder:Insufficient funds', isNotHeld: true },
      accepted(3),
    ]);
  });

  it('go alone when one of them refuses the whole batch', async () => {
    kraken.on('AddOrderBatch', () => ({ error: ['EGeneral:Invalid arguments:volume'] }));
    const outcomes = await behindAnother(() => numbers(3).map((number) => submit(number)));
    expect(outcomes).toEqual(numbers(3).map(accepted));
    expect(kraken.sent('AddOrderBatch')).toHaveLength(1);
    expect(kraken.sent('AddOrder')).toHaveLength(4);
  });

  it.each<[what: string, answer: Parameters<ScriptedKraken['on']>[1]]>([
    ['no answer', () => (response) => response.destroy()],
    ['an error that proves nothing', () => ({ error: ['EService:Timeout'] })],
    ['fewer answers than orders', () => ({ result: { orders: [{ txid: idOf('000001') }] } })],
    ['an unreadable answer', () => ({ result: { orders: [{}, {}, {}] } })],
    ['a warning beside the answer', () => ({ error: ['WOrder:Odd'], result: { orders: [] } })],
  ])('are all unknown after %s, and not sent again', async (_, answer) => {
    kraken.on('AddOrderBatch', answer);
    const outcomes = await behindAnother(() => numbers(3).map((number) => submit(number)));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['unknown', 'unknown', 'unknown']);
    expect(kraken.sent('AddOrderBatch')).toHaveLength(1);
    expect(kraken.sent('AddOrder')).toHaveLength(1);
  });
});

it('sends entries one by one', async () => {
  const outcomes = await behindAnother(() => numbers(3).map((number) => submit(number, {}, 'entry')));
  expect(outcomes).toEqual(numbers(3).map(accepted));
  expect(kraken.sent('AddOrderBatch')).toEqual([]);
  expect(kraken.sent('AddOrder')).toHaveLength(4);
});
