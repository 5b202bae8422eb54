import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import {
  createWitnessActivities,
  type WitnessDependencies,
  type WitnessQuestion,
} from '../../src/activities/witness.ts';
import type { TradeState } from '../../src/workflows/messages.ts';

const LONG = { positionId: 'kraken-A', symbol: 'BTC/USD', side: 'long', quantity: '0.02' } as const;
const SHORT = { ...LONG, side: 'short' } as const;

const claim = (tradeId: string, quantity: string) => ({ tradeId, quantity });

/** A trade that bought so much and has sold so much of it. */
function state(bought: string, sold: string): TradeState {
  const exits = sold === '0' ? [] : [{ summary: { quantity: sold } }];
  return { position: { entry: { quantity: bought } }, exits } as unknown as TradeState;
}

function witness(
  held: string,
  claims: readonly ReturnType<typeof claim>[] | Error | 'no answer',
  states: Readonly<Record<string, TradeState>> = {},
) {
  const dependencies: WitnessDependencies = {
    exchange: {
      balances: () =>
        Promise.resolve([
          { asset: 'BTC', total: held, held: '0' },
          { asset: 'ETH', total: '7', held: '0' },
        ]),
      marginPositions: () =>
        Promise.resolve([
          {
            exchangeOrderId: 'O1',
            symbol: 'BTC/USD',
            side: 'sell',
            quantity: held,
            closedQuantity: '0.001',
            cost: '1',
          },
          {
            exchangeOrderId: 'O2',
            symbol: 'BTC/USD',
            side: 'buy',
            quantity: '9',
            closedQuantity: '0',
            cost: '1',
          },
          {
            exchangeOrderId: 'O3',
            symbol: 'ETH/USD',
            side: 'sell',
            quantity: '9',
            closedQuantity: '0',
            cost: '1',
          },
        ]),
    },
    reader: {
      claimsBeside: () => {
        if (claims === 'no answer') return new Promise(() => undefined);
        return claims instanceof Error ? Promise.reject(claims) : Promise.resolve([...claims]);
      },
    },
    client: { stateIfKnown: (tradeId) => Promise.resolve(states[tradeId] ?? null) },
    log: pino({ level: 'silent' }),
  };
  const activities = createWitnessActivities(dependencies);
  const environment = new MockActivityEnvironment();
  return (question: WitnessQuestion): Promise<string> =>
    environment.run((asked: WitnessQuestion) => activities.witnessHolding(asked), question);
}

describe('what the exchange still holds of a position', () => {
  it('is all of it where the account holds enough for everybody', async () => {
    expect(await witness('0.02', [])(LONG)).toBe('0.02');
    expect(await witness('0.05', [claim('B', '0.03')])(LONG)).toBe('0.02');
    expect(await witness('1', [claim('B', '0.03')])(LONG)).toBe('0.02');
  });

  it('is what the others leave, never what is theirs', async () => {
    expect(await witness('0.03', [claim('B', '0.03')])(LONG)).toBe('0');
    expect(await witness('0.01', [claim('B', '0.03')])(LONG)).toBe('0');
    expect(await witness('0.045', [claim('B', '0.02'), claim('C', '0.01')])(LONG)).toBe('0.015');
  });

  it('counts the open part of shorts in the same symbol', async () => {
    expect(await witness('0.021', [])(SHORT)).toBe('0.02');
    expect(await witness('0.021', [claim('B', '0.02')])(SHORT)).toBe('0');
  });

  it('believes others that they have sold a part, before it takes what is missing for its own', async () => {
    const half = { B: state('0.03', '0.015') };
    expect(await witness('0.035', [claim('B', '0.03')], half)(LONG)).toBe('0.02');
    expect(await witness('0.025', [claim('B', '0.03')], half)(LONG)).toBe('0.01');
    expect(await witness('0.035', [claim('B', '0.03')], { B: state('0.03', '0') })(LONG)).toBe('0.005');
  });

  it('does not keep an exit waiting for a database that is down', async () => {
    expect(await witness('0.03', new Error('connection refused'))(LONG)).toBe('0.02');
    expect(await witness('0.03', 'no answer')(LONG)).toBe('0.02');
  });
});
