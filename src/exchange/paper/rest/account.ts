import { add, compare, divide, type Decimal } from '../../../domain/money.ts';
import { feePercent, feeSchedule } from '../fees.ts';
import { KrakenError } from '../kraken-error.ts';
import { marginSummary, unrealizedOf, valueOf } from '../margin.ts';
import { findAsset, findPair } from '../pairs.ts';
import { flag, list } from '../params.ts';
import type { Position } from '../state.ts';
import type { PrivateCall, PrivateEndpoint } from './private.ts';
import { amountOf, fixed, positionView } from './views.ts';

export const ACCOUNT: Readonly<Record<string, PrivateEndpoint>> = {
  Balance: {
    needs: ['query-funds'],
    handle: ({ context, accountId }) =>
      byAsset(context.store.account(accountId).balances, (asset, balance) => amountOf(asset, balance)),
  },
  BalanceEx: {
    needs: ['query-funds'],
    handle: ({ context, accountId }) =>
      byAsset(context.store.account(accountId).balances, (asset, balance) => ({
        balance: amountOf(asset, balance),
        hold_trade: amountOf(asset, context.engine.rules.held(accountId, asset)),
      })),
  },
  TradeBalance: { needs: ['query-funds'], handle: tradeBalance },
  TradeVolume: { needs: ['query-funds'], handle: tradeVolume },
  OpenPositions: { needs: ['query-open-trades'], handle: openPositions },
  GetWebSocketsToken: {
    needs: ['create-ws-token'],
    handle: ({ context, accountId, nowMs }) => ({
      token: context.tokens.create(accountId, nowMs),
      expires: 900,
    }),
  },
  GetApiKeyInfo: { needs: [], handle: apiKeyInfo },
};

function byAsset<Value>(
  balances: Readonly<Record<string, Decimal>>,
  of: (asset: string, balance: Decimal) => Value,
): Record<string, Value> {
  return Object.fromEntries(Object.entries(balances).map(([asset, balance]) => [asset, of(asset, balance)]));
}

function tradeBalance({ context, accountId, params }: PrivateCall): unknown {
  const asset = findAsset(params.values.asset ?? 'ZUSD');
  if (!asset) throw new KrakenError('EQuery:Unknown asset');
  const rate = context.markets.usdRate(asset.id);
  const summary = marginSummary(context.store, context.markets, accountId);
  const shown = (usd: Decimal) => fixed(divide(usd, rate), 4);
  return {
    eb: shown(summary.equivalent),
    tb: shown(summary.collateral),
    m: shown(summary.used),
    uv: '0.0000',
    n: shown(summary.unrealized),
    c: shown(summary.cost),
    v: shown(summary.value),
    e: shown(summary.equity),
    mf: shown(summary.free),
    ...(summary.level === null ? {} : { ml: fixed(summary.level, 2) }),
  };
}

function tradeVolume({ context, accountId, params, nowMs }: PrivateCall): unknown {
  const volume = context.engine.volumeUsd(accountId, nowMs);
  const fees: Record<string, unknown> = {};
  const makerFees: Record<string, unknown> = {};
  for (const name of list(params, 'pair')) {
    const pair = findPair(name);
    if (!pair) throw new KrakenError('EQuery:Unknown asset pair');
    const rows = feeSchedule(pair);
    const reached = rows.filter(([from]) => compare(volume, String(from)) >= 0).at(-1);
    const next = rows.find(([from]) => compare(volume, String(from)) < 0);
    const view = (maker: boolean) => ({
      fee: fixed(feePercent(pair, volume, maker), 4),
      minfee: fixed(String(rows.at(-1)?.[maker ? 2 : 1] ?? 0), 4),
      maxfee: fixed(String(rows[0]?.[maker ? 2 : 1] ?? 0), 4),
      nextfee: next ? fixed(String(next[maker ? 2 : 1]), 4) : null,
      nextvolume: next ? fixed(String(next[0]), 4) : null,
      tiervolume: fixed(String(reached?.[0] ?? 0), 4),
    });
    fees[pair.id] = view(false);
    makerFees[pair.id] = view(true);
  }
  return {
    currency: 'ZUSD',
    volume: fixed(volume, 4),
    ...(Object.keys(fees).length > 0 ? { fees, fees_maker: makerFees } : {}),
  };
}

function openPositions({ context, accountId, params }: PrivateCall): unknown {
  const wanted = list(params, 'txid');
  const positions = context.store
    .openPositions(accountId)
    .filter((position) => wanted.length === 0 || wanted.includes(position.id));
  const calculated = (position: Position) => ({
    value: valueOf(position, context.markets),
    net: unrealizedOf(position, context.markets),
  });
  const withValues = flag(params, 'docalcs', false);
  if (params.values.consolidation === 'market') return consolidated(positions, calculated);
  return Object.fromEntries(
    positions.map((position) => [
      position.id,
      positionView(position, withValues ? calculated(position) : null),
    ]),
  );
}

/** One row a pair and side, in a list. */
function consolidated(
  positions: readonly Position[],
  calculated: (position: Position) => { value: Decimal; net: Decimal },
): unknown {
  const groups = new Map<string, Position[]>();
  for (const position of positions) {
    const id = `${position.pair}/${position.side}`;
    groups.set(id, [...(groups.get(id) ?? []), position]);
  }
  return [...groups.values()].map((group) => {
    const [first] = group;
    if (!first) return {};
    const total = (of: (position: Position) => Decimal, decimals: number) =>
      fixed(add(...group.map(of)), decimals);
    return {
      pair: first.pair,
      positions: String(group.length),
      type: first.side,
      leverage: first.leverage.toFixed(5),
      cost: total((position) => position.cost, 5),
      fee: total((position) => position.fee, 5),
      vol: total((position) => position.volume, 8),
      vol_closed: total((position) => position.closedVolume, 8),
      margin: total((position) => position.margin, 5),
      value: total((position) => calculated(position).value, 5),
      net: total((position) => calculated(position).net, 5),
    };
  });
}

function apiKeyInfo({ key, nowMs }: PrivateCall): unknown {
  const time = (ms: number) => String(Math.floor(ms / 1000));
  return {
    api_key_name: key.name,
    api_key: key.key,
    nonce: key.nonce,
    nonce_window: String(key.nonceWindow),
    permissions: [...key.permissions],
    valid_until: '0',
    query_from: '0',
    query_to: '0',
    created_time: time(key.createdMs),
    modified_time: time(key.createdMs),
    last_used: time(nowMs),
    ip_allowlist: [],
    iban: '',
  };
}
