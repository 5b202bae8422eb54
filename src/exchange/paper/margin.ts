import { add, divide, isPositive, multiply, roundDown, subtract, type Decimal } from '../../domain/money.ts';
import type { Markets } from './market/markets.ts';
import { pairById } from './pairs.ts';
import type { Position } from './state.ts';
import { openVolume, type Store } from './store.ts';

/** Kraken's TradeBalance in USD. */
export interface MarginSummary {
  /** Equivalent of all balances. */
  readonly equivalent: Decimal;
  /** Collateral: what counts for margin; all of it, here. */
  readonly collateral: Decimal;
  readonly used: Decimal;
  readonly unrealized: Decimal;
  readonly cost: Decimal;
  readonly value: Decimal;
  readonly equity: Decimal;
  readonly free: Decimal;
  /** Percent; null without a position. */
  readonly level: Decimal | null;
}

export function marginSummary(store: Store, markets: Markets, accountId: string): MarginSummary {
  let equivalent: Decimal = '0';
  for (const [asset, balance] of Object.entries(store.account(accountId).balances)) {
    equivalent = add(equivalent, multiply(balance, markets.usdRate(asset)));
  }
  let [used, unrealized, cost, value]: Decimal[] = ['0', '0', '0', '0'];
  for (const position of store.openPositions(accountId)) {
    const rate = markets.usdRate(pairById(position.pair).quote.id);
    const now = valueOf(position, markets);
    used = add(used ?? '0', multiply(openMargin(position), rate));
    cost = add(cost ?? '0', multiply(openCost(position), rate));
    value = add(value ?? '0', multiply(now, rate));
    unrealized = add(unrealized ?? '0', multiply(unrealizedOf(position, markets), rate));
  }
  const equity = add(equivalent, unrealized ?? '0');
  return {
    equivalent,
    collateral: equivalent,
    used: used ?? '0',
    unrealized: unrealized ?? '0',
    cost: cost ?? '0',
    value: value ?? '0',
    equity,
    free: subtract(equity, used ?? '0'),
    level: isPositive(used ?? '0') ? roundDown(multiply(divide(equity, used ?? '1'), '100'), 2) : null,
  };
}

export function openCost(position: Position): Decimal {
  return divide(multiply(position.cost, openVolume(position)), position.volume);
}

function openMargin(position: Position): Decimal {
  return divide(multiply(position.margin, openVolume(position)), position.volume);
}

/** Worth of the open part at the price it could be closed at now, quote units. */
export function valueOf(position: Position, markets: Markets): Decimal {
  const { top } = markets.of(pairById(position.pair));
  return multiply(openVolume(position), position.side === 'buy' ? top.bid : top.ask);
}

/** Result of closing the open part now, before fees, quote units. */
export function unrealizedOf(position: Position, markets: Markets): Decimal {
  const [value, cost] = [valueOf(position, markets), openCost(position)];
  return position.side === 'buy' ? subtract(value, cost) : subtract(cost, value);
}
