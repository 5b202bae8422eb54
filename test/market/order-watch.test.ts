import { describe, expect, it } from 'vitest';
import { pino } from 'pino';
import type { OrderSnapshot } from '../../src/exchange/port.ts';
import { OrderWatch } from '../../src/market/order-watch.ts';

const FILL = { fillId: 'T', price: '1', quantity: '1', cost: '1', fee: '0', timeMs: 0 };
const RESTING = { isFinished: false, fills: [] };
const PARTLY = { isFinished: false, fills: [FILL] };
const FILLED = { isFinished: true, fills: [FILL] };

function snapshot(over: Partial<OrderSnapshot>): OrderSnapshot {
  return {
    exchangeOrderId: 'O',
    clientOrderId: null,
    symbol: 'BTC/USD',
    side: 'buy',
    type: 'limit',
    status: 'open',
    quantity: '1',
    filledQuantity: '0',
    cost: '0',
    fee: '0',
    openedAtMs: 0,
    closedAtMs: null,
    reason: null,
    fills: [],
    ...over,
  };
}

function watchOf(answers: (OrderSnapshot | Error)[] = []) {
  const told: string[] = [];
  const watch = new OrderWatch({
    exchange: {
      order: () => {
        const answer = answers.shift();
        if (answer === undefined) throw new Error('nobody should have asked');
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
    },
    tell: async (tradeId, exchangeOrderId) => void told.push(`${tradeId} ${exchangeOrderId}`),
    log: pino({ level: 'silent' }),
  });
  const read = (order: typeof RESTING | typeof PARTLY) => watch.read('O', 'A', async () => order);
  return { watch, read, told };
}

describe('orders that rest', () => {
  it('are their trade’s to ask for as soon as they move, and it is told once until it has asked', async () => {
    const { watch, read, told } = watchOf();
    watch.moved('O');
    await read(RESTING);
    expect(told).toEqual([]);
    watch.moved('O');
    watch.moved('O');
    watch.moved('somebody else’s');
    expect(told).toEqual(['A O']);
    await read(PARTLY);
    watch.moved('O');
    expect(told).toEqual(['A O', 'A O']);
  });

  it('are forgotten once they are proven finished', async () => {
    const { watch, read, told } = watchOf();
    await read(RESTING);
    await read(FILLED);
    watch.moved('O');
    watch.catchUp();
    expect(told).toEqual([]);
  });

  it('are asked for again when they moved while the answer was on its way, unless it says that they are finished', async () => {
    const { watch, told } = watchOf();
    const meanwhile = (order: typeof RESTING | typeof PARTLY) => async () => {
      watch.moved('O');
      return order;
    };
    await watch.read('O', 'A', meanwhile(FILLED));
    expect(told).toEqual([]);
    await watch.read('O', 'A', meanwhile(RESTING));
    expect(told).toEqual(['A O']);
    const failing = watch.read('O', 'A', () => {
      watch.moved('O');
      return Promise.reject(new Error('no answer'));
    });
    await expect(failing).rejects.toThrow('no answer');
    expect(told).toEqual(['A O', 'A O']);
  });

  it('are compared after a gap in the stream, until the exchange has answered', async () => {
    const { watch, read, told } = watchOf([
      new Error('not yet'),
      snapshot({}),
      snapshot({ fills: [FILL] }),
      snapshot({ status: 'cancelled' }),
    ]);
    await read(RESTING);
    watch.catchUp();
    watch.catchUp();
    // The first answer is none, the second says that nothing happened.
    await expect.poll(() => told).toEqual([]);
    await expect
      .poll(
        () => {
          watch.catchUp();
          return told;
        },
        { timeout: 10_000 },
      )
      .toEqual(['A O']);
    await read(PARTLY);
    watch.catchUp();
    await expect.poll(() => told).toEqual(['A O', 'A O']);
  });
});
