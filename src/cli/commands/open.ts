import { randomUUID } from 'node:crypto';
import { Option, type Command } from 'commander';
import { compare, floorToTick, isDecimal, isPositive, type Decimal } from '../../domain/money.ts';
import { sizeOrder } from '../../domain/sizing.ts';
import { normalizeSymbol } from '../../domain/symbols.ts';
import type { HoldfastClient } from '../../client.ts';
import type { Exchange, Instrument } from '../../exchange/port.ts';
import type { Stage, TradeRequest } from '../../workflows/messages.ts';
import { CliError } from '../errors.ts';
import { print, runWithSession, subcommand, type CommonOptions } from '../program.ts';
import { waiting } from '../waiting.ts';

interface OpenOptions extends CommonOptions {
  readonly symbol: string;
  readonly side: 'long' | 'short';
  readonly notional: string;
  readonly order: 'market' | 'limit';
  readonly price?: string;
  readonly confidence: string;
  readonly id?: string;
  readonly wait?: 'opened' | 'closed';
}

/** An order of an operator that could not be reserved by then is given up. */
const SIGNAL_TTL_MS = 30_000;
const WAITS_FOR = {
  reserved: 'reserving capital',
  opened: 'waiting for the fill and its records',
  closed: 'waiting until it is closed; Ctrl-C leaves the trade running',
} as const;
const FAILED_STAGES: readonly Stage[] = ['rejected', 'cancelled', 'compensated'];

export function registerOpen(program: Command): void {
  subcommand(program, 'open', 'start a trade')
    .requiredOption('--symbol <symbol>', 'BTC/USD; XBTUSD and the like are understood')
    .addOption(new Option('--side <side>', 'direction').choices(['long', 'short']).default('long'))
    .requiredOption('--notional <amount>', 'in quote currency')
    .addOption(
      new Option('--order <type>', 'kind of entry order').choices(['market', 'limit']).default('market'),
    )
    .option('--price <price>', 'of a limit order')
    .option('--confidence <0..1>', 'confidence of the signal', '1')
    .option('--id <id>', 'the same id twice is one trade')
    .addOption(new Option('--wait <until>', 'wait until then').choices(['opened', 'closed']))
    .addHelpText('after', '\nExample:\n  holdfast open --symbol BTC/USD --notional 250 --wait opened')
    .action((options: OpenOptions) =>
      runWithSession(options, async (session) => {
        const request = await tradeRequest(options, session.exchange());
        const client = await session.client();
        const { workflowId } = await client.openTrade(request);
        const { stage, positionId, note } = await waiting(
          options,
          WAITS_FOR[options.wait ?? 'reserved'],
          follow(client, request.tradeId, options.wait),
        );
        if (FAILED_STAGES.includes(stage))
          throw new CliError(stage, `trade ${request.tradeId} was ${stage}: ${note ?? ''}`);
        const answer = {
          tradeId: request.tradeId,
          workflowId,
          stage,
          ...(positionId === null ? {} : { positionId }),
        };
        print(
          options,
          answer,
          () =>
            `trade ${request.tradeId} is ${stage}${positionId === null ? '' : `, position ${positionId}`}`,
        );
      }),
    );
}

async function follow(client: HoldfastClient, tradeId: string, wait: OpenOptions['wait']) {
  if (wait === 'closed') return client.result(tradeId);
  return client.progress(tradeId, wait === 'opened' ? 'opened' : 'reserved');
}

/** Checked against the exchange before anything is started, so that bad input changes nothing. */
async function tradeRequest(options: OpenOptions, exchange: Exchange): Promise<TradeRequest> {
  const tradeId = options.id ?? randomUUID();
  if (!/^[A-Za-z0-9_.:-]{1,64}$/.test(tradeId)) {
    throw new CliError('bad-id', `--id is ${tradeId}: 1 to 64 letters, digits and _ . : - are allowed`);
  }
  const notional = amount('--notional', options.notional);
  const confidence = Number(options.confidence);
  if (!(confidence >= 0 && confidence <= 1)) {
    throw new CliError('bad-confidence', `--confidence is ${options.confidence}: 0 to 1 is allowed`);
  }
  const instrument = await listedInstrument(exchange, options.symbol);
  if (options.side === 'short' && instrument.shortLeverages.length === 0) {
    throw new CliError(
      'no-short',
      `--side is short: ${instrument.symbol} can't be sold short on this exchange`,
    );
  }
  const order = orderOf(options, instrument);
  const price =
    order.type === 'limit' ? order.price : await quotedPrice(exchange, instrument.symbol, options.side);
  const sized = sizeOrder(instrument, notional, price);
  if ('refusal' in sized)
    throw new CliError('notional-too-small', `--notional is ${notional}: ${sized.refusal}`);
  return {
    tradeId,
    symbol: instrument.symbol,
    side: options.side,
    notional,
    order,
    strategy: 'manual',
    signal: { source: 'operator', confidence, asOfMs: Date.now(), ttlMs: SIGNAL_TTL_MS },
  };
}

function amount(option: string, value: string): Decimal {
  if (isDecimal(value) && isPositive(value)) return value;
  throw new CliError('bad-amount', `${option} is ${value}: a decimal above 0 is allowed, like 250 or 99.50`);
}

async function listedInstrument(exchange: Exchange, input: string): Promise<Instrument> {
  const symbol = normalizeSymbol(input);
  const instruments = await exchange.instruments();
  const instrument = instruments.find((candidate) => candidate.symbol === symbol);
  if (instrument) return instrument;
  const some = instruments.slice(0, 8).map((candidate) => candidate.symbol);
  throw new CliError(
    'unknown-symbol',
    `--symbol is ${input}: the exchange lists ${some.join(', ')} and ${Math.max(0, instruments.length - 8)} more`,
  );
}

function orderOf(options: OpenOptions, { tickSize, symbol }: Instrument): TradeRequest['order'] {
  if (options.order === 'market') {
    if (options.price !== undefined) throw new CliError('bad-price', '--price is for --order limit only');
    return { type: 'market' };
  }
  if (options.price === undefined) throw new CliError('bad-price', '--order limit needs --price');
  const price = amount('--price', options.price);
  if (compare(floorToTick(price, tickSize), price) !== 0) {
    throw new CliError('bad-price', `--price is ${price}: ${symbol} has a tick of ${tickSize}`);
  }
  return { type: 'limit', price };
}

async function quotedPrice(exchange: Exchange, symbol: string, side: 'long' | 'short'): Promise<Decimal> {
  const [quote] = await exchange.quotes([symbol]);
  if (!quote) throw new CliError('no-quote', `${symbol} has no quote now`);
  return side === 'long' ? quote.ask : quote.bid;
}
