import { describe, expect, it } from 'vitest';
import { clientOrderId } from '../../src/exchange/client-order-id.ts';
import type { ArrivedOrder } from '../support/paper-control.ts';
import type { Evidence, Rows } from './storm/evidence.ts';
import { judgeStorm, type InvariantName, type Witnessed } from './storm/invariants.ts';
import { EXCHANGE_FAULTS } from './storm/decks.ts';
import { planStorm } from './storm/plan.ts';

const TRADE = 'one';
const ENTRY = clientOrderId(`trade-${TRADE}`, 'entry');
const EXIT = clientOrderId(`trade-${TRADE}`, 'exit-1');
const AT_MS = 1_000_000;

const entry: ArrivedOrder = {
  clOrdId: ENTRY,
  receivedAtMs: AT_MS,
  processedAtMs: AT_MS,
  accepted: true,
  txid: 'OENTRY',
  error: null,
  deadline: null,
  pair: 'XXBTZUSD',
  side: 'buy',
  filled: '0.01',
  cost: '100',
  fee: '0.4',
  fills: [{ timeMs: AT_MS }],
};
const exit: ArrivedOrder = { ...entry, clOrdId: EXIT, txid: 'OEXIT', side: 'sell', cost: '110', fee: '0.44' };
const intent = { tradeId: TRADE, status: 'filled', createdAtMs: AT_MS - 1 };
const booked = { positionId: 'kraken-OENTRY', symbol: 'BTC/USD', quantity: '0.01' };

const rows: Rows = {
  intents: [
    { ...intent, clOrdId: ENTRY, leg: 'entry', krakenOrderId: 'OENTRY' },
    { ...intent, clOrdId: EXIT, leg: 'exit-1', krakenOrderId: 'OEXIT' },
  ],
  trades: [
    { ...booked, side: 'buy', value: '100', fee: '0.40', isEntry: true, krakenOrderId: 'OENTRY' },
    { ...booked, side: 'sell', value: '110', fee: '0.44', isEntry: false, krakenOrderId: 'OEXIT' },
  ],
  liveTrades: [{ exchangeOrderId: 'OENTRY' }, { exchangeOrderId: 'OEXIT' }],
  positions: [
    {
      id: 'kraken-OENTRY',
      tradeId: TRADE,
      symbol: 'BTC/USD',
      side: 'long',
      status: 'closed',
      exitReason: 'take-profit',
      realizedPnL: '9.16',
    },
  ],
  outcomes: [{ positionId: 'kraken-OENTRY', exitRule: 'take-profit', isLearned: true }],
  studied: ['kraken-OENTRY'],
  reserved: [],
  findings: [],
};

const good: Evidence = {
  startingCash: '1000',
  orders: [entry, exit],
  account: { balances: { USD: '1009.16', BTC: '0' }, openOrders: [], positions: [] },
  rows,
  workflows: [{ workflowId: 'trade-one', type: 'trade', status: 'COMPLETED', failure: null }],
};
const witnessed: Witnessed = { tradeIds: [TRADE], notEnded: [], openWithoutWorkflow: [] };

const withRows = (changed: Partial<Rows>): Evidence => ({ ...good, rows: { ...rows, ...changed } });
const failed = (type: string, failure: string): Evidence => ({
  ...good,
  workflows: [{ workflowId: 'any', type, status: 'FAILED', failure }],
});

/** The names of the invariants that do not hold. */
function broken(evidence: Evidence, seen: Witnessed = witnessed): InvariantName[] {
  const violations = Object.entries(judgeStorm(evidence, seen)) as [InvariantName, readonly string[]][];
  return violations.filter(([, cases]) => cases.length > 0).map(([name]) => name);
}

describe('the verdict of a storm', () => {
  it('is that all is well when exchange, database and Temporal agree', () => {
    expect(broken(good)).toEqual([]);
  });

  it('names an intent that was accepted twice, and what was sold too much', () => {
    const again = { ...exit, txid: 'OAGAIN' };
    const found = broken({ ...good, orders: [entry, exit, again] });
    expect(found).toContain('intentsAcceptedTwice');
    expect(found).toContain('notFlat');
  });

  it('names an order without a row, and an entry whose row came after it', () => {
    const [first, second] = rows.intents as [Rows['intents'][number], Rows['intents'][number]];
    expect(broken(withRows({ intents: [first] }))).toEqual(['ordersWithoutRow']);
    expect(broken(withRows({ intents: [{ ...first, createdAtMs: AT_MS + 1 }, second] }))).toEqual([
      'ordersWithoutRow',
    ]);
    // An exit goes out although the database is away.
    expect(broken(withRows({ intents: [first, { ...second, createdAtMs: AT_MS + 1 }] }))).toEqual([]);
  });

  it('names a row whose order never was', () => {
    const lost = { ...rows.intents[0]!, clOrdId: 'hfeAAAAAAAAAAAAAAA', krakenOrderId: 'ONEVER' };
    expect(broken(withRows({ intents: [...rows.intents, lost] }))).toEqual(['rowsWithoutOrder']);
    expect(broken(withRows({ liveTrades: [...rows.liveTrades, { exchangeOrderId: 'ONEVER' }] }))).toEqual([
      'rowsWithoutOrder',
    ]);
  });

  it('names what is still held', () => {
    const half = { ...exit, filled: '0.004' };
    expect(broken({ ...good, orders: [entry, half] })).toContain('notFlat');
    const { account } = good;
    expect(broken({ ...good, account: { ...account, openOrders: [{ txid: 'OREST' }] } })).toEqual([
      'notFlat',
    ]);
    expect(broken({ ...good, account: { ...account, positions: [{ id: 'TPOS' }] } })).toEqual(['notFlat']);
  });

  it('names a figure that differs in the last decimal', () => {
    const [bought, sold] = rows.trades as [Rows['trades'][number], Rows['trades'][number]];
    const ledgerDiffers = ['ledgerDifferences'];
    expect(broken(withRows({ trades: [{ ...bought, value: '100.00000001' }, sold] }))).toEqual(ledgerDiffers);
    expect(broken(withRows({ trades: [bought] }))).toEqual(ledgerDiffers);
    const { account } = good;
    const balances = { ...account.balances, USD: '1009.15' };
    expect(broken({ ...good, account: { ...account, balances } })).toEqual(ledgerDiffers);
    const dust = { ...account.balances, BTC: '0.00000001' };
    expect(broken({ ...good, account: { ...account, balances: dust } })).toEqual(ledgerDiffers);
    const position = { ...rows.positions[0]!, realizedPnL: '9.17' };
    expect(broken(withRows({ positions: [position] }))).toEqual(ledgerDiffers);
  });

  it('names outcomes that taught nothing or twice', () => {
    const outcome = rows.outcomes[0]!;
    expect(broken(withRows({ outcomes: [] }))).toEqual(['outcomesNotLearned']);
    expect(broken(withRows({ outcomes: [{ ...outcome, isLearned: false }] }))).toEqual([
      'outcomesNotLearned',
    ]);
    const compensated = { ...outcome, exitRule: 'compensation', isLearned: false };
    expect(broken(withRows({ outcomes: [compensated] }))).toEqual([]);
    expect(broken(withRows({ studied: [...rows.studied, ...rows.studied] }))).toEqual([
      'outcomesLearnedTwice',
    ]);
  });

  it('names what is left of reservations, workflows and trades', () => {
    expect(broken(withRows({ reserved: [TRADE] }))).toEqual(['reservationsLeft']);
    expect(broken(failed('trade', 'TypeError'))).toEqual(['workflowFailures']);
    expect(broken(failed('trade', 'PositionPersistenceFailed'))).toEqual([]);
    expect(broken(good, { ...witnessed, notEnded: [TRADE] })).toEqual(['tradesNotEnded']);
    expect(broken(good, { ...witnessed, openWithoutWorkflow: [TRADE] })).toEqual(['openWithoutWorkflow']);
  });
});

describe('the plan of a storm', () => {
  const options = { seed: 7, trades: 200, faults: 60, workers: 3 };

  it('is the same for the same seed, and another for another', () => {
    expect(planStorm(options)).toEqual(planStorm(options));
    expect(planStorm({ ...options, seed: 8 })).not.toEqual(planStorm(options));
  });

  it('has every kind of fault, both sides and both kinds of entry', () => {
    const { trades, faults } = planStorm(options);
    const kinds = new Set<string>(faults.map(({ kind }) => kind));
    expect(faults).toHaveLength(60);
    for (const kind of [...EXCHANGE_FAULTS, 'worker-kill', 'worker-freeze', 'kill-at-step', 'freeze-at-step'])
      expect(kinds).toContain(kind);
    for (const kind of ['temporal-kill', 'postgres-stop', 'postgres-kill', 'exchange-kill', 'clock-offset'])
      expect(kinds).toContain(kind);
    for (const link of ['temporal', 'postgres', 'exchange']) {
      expect(kinds).toContain(`cut-${link}`);
      expect(kinds).toContain(`slow-${link}`);
    }
    expect(new Set(trades.map(({ side }) => side))).toEqual(new Set(['long', 'short']));
    expect(new Set(trades.map(({ limitOffset }) => limitOffset === null))).toEqual(new Set([true, false]));
    expect(new Set(trades.map(({ tradeId }) => tradeId)).size).toBe(200);
  });

  it('can be short, and then has each that kills or cuts', () => {
    const { faults } = planStorm({ ...options, trades: 14, faults: 'short' });
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(
      new Set([
        ...['kill-at-step', 'worker-freeze', 'temporal-kill', 'postgres-kill', 'exchange-kill'],
        ...['cut-exchange', 'drop-after', 'partial-fill'],
      ]),
    );
  });
});
