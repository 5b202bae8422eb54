import { accountValue, valuedSymbols, type AccountValue } from '../domain/equity.ts';
import { subtract, ZERO, type Decimal } from '../domain/money.ts';
import {
  ExchangeUnavailable,
  type Balance,
  type CallPriority,
  type Exchange,
  type MarginPosition,
  type Quote,
} from '../exchange/port.ts';

type AccountSource = Pick<Exchange, 'balances' | 'marginPositions' | 'instruments' | 'quotes'>;

export interface AccountQuestion {
  readonly currency: string;
  readonly priority: CallPriority;
  /** False spares the question for margin positions where there can be none. */
  readonly mayHoldMargin: boolean;
  /** A quote that need not be asked for again. */
  readonly known?: Quote;
}

export interface AccountReading extends AccountValue {
  /** Cash that no open order holds. */
  readonly free: Decimal;
}

const READINGS = 3;

/** What the account is worth by the exchange's own balances, margin positions and quotes. */
export async function readAccount(
  exchange: AccountSource,
  { currency, priority, mayHoldMargin, known }: AccountQuestion,
): Promise<AccountReading> {
  const { balances, margin } = mayHoldMargin
    ? await readHoldings(exchange, priority)
    : { balances: await exchange.balances(priority), margin: [] };
  const listed = new Set((await exchange.instruments()).map(({ symbol }) => symbol));
  const asked = valuedSymbols(balances, margin, currency).filter(
    (symbol) => symbol !== known?.symbol && listed.has(symbol),
  );
  const quotes = asked.length > 0 ? await exchange.quotes(asked) : [];
  const cash = balances.find(({ asset }) => asset === currency);
  return {
    ...accountValue(balances, margin, known ? [known, ...quotes] : quotes, currency),
    free: cash ? subtract(cash.total, cash.held) : ZERO,
  };
}

/** Balances with the margin positions of the same moment: a close in between would count twice or not at all. */
async function readHoldings(
  exchange: AccountSource,
  priority: CallPriority,
): Promise<{ balances: readonly Balance[]; margin: readonly MarginPosition[] }> {
  let before = await exchange.marginPositions(priority);
  for (let reading = 1; reading <= READINGS; reading += 1) {
    const balances = await exchange.balances(priority);
    // What opened meanwhile has moved the balance by no more than its fee.
    if (before.length === 0) return { balances, margin: [] };
    const margin = await exchange.marginPositions(priority);
    if (JSON.stringify(margin) === JSON.stringify(before)) return { balances, margin };
    before = margin;
  }
  throw new ExchangeUnavailable(`margin positions changed during each of ${READINGS} readings`);
}
