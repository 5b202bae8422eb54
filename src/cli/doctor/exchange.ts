import { setTimeout as delay } from 'node:timers/promises';
import { createKrakenFeed } from '../../exchange/kraken/feed.ts';
import type { AdapterLog } from '../../exchange/kraken/log.ts';
import type { Exchange } from '../../exchange/port.ts';
import { failed, ok, warning, type Check } from './check.ts';

/** More than this and deadlines become short or late; see docs/design.md section 5. */
const MOST_CLOCK_OFFSET_MS = 1_000;
/** The exchange tells whole seconds: several answers at different parts of a second narrow the offset. */
const CLOCK_QUESTIONS = 4;
const CLOCK_PAUSE_MS = 270;
const STREAM_PATIENCE_MS = 6_000;
const STREAM_POLL_MS = 50;

export interface ExchangeAddresses {
  readonly restUrl: string | undefined;
  readonly wsUrl: string | undefined;
}

/** `open` throws what is wrong with the address or with trading there. */
export function exchangeChecks({ restUrl, wsUrl }: ExchangeAddresses, open: () => Exchange): Check[] {
  return [
    {
      name: 'exchange REST',
      run: async () => ok(`${restUrl} lists ${(await open().instruments()).length} pairs`),
    },
    { name: 'exchange WebSocket', run: () => stream(wsUrl) },
    { name: 'clock', run: () => clock(open()) },
  ];
}

async function clock(exchange: Exchange) {
  let offsetMs = 0;
  for (let asked = 0; asked < CLOCK_QUESTIONS; asked += 1) {
    if (asked > 0) await delay(CLOCK_PAUSE_MS);
    offsetMs = await exchange.clockOffsetMs();
  }
  const seen =
    offsetMs === 0
      ? "agrees with the exchange's"
      : `${Math.abs(offsetMs)} ms ${offsetMs > 0 ? 'behind' : 'ahead of'} the exchange's`;
  if (Math.abs(offsetMs) <= MOST_CLOCK_OFFSET_MS) return ok(seen);
  return warning(`${seen}; more than ${MOST_CLOCK_OFFSET_MS} ms: let this machine keep its time by NTP`);
}

async function stream(wsUrl: string | undefined) {
  if (wsUrl === undefined) return failed('KRAKEN_WS_URL is not set; start the stack with: holdfast up');
  let why = 'it did not say anything';
  const log: AdapterLog = {
    debug: () => undefined,
    info: () => undefined,
    warn: (fields) => (why = 'why' in fields ? String(fields.why) : why),
    error: () => undefined,
  };
  const feed = createKrakenFeed({ wsUrl, log, restQuotes: () => Promise.resolve([]), staleAfterMs: 2_000 });
  try {
    for (const untilMs = performance.now() + STREAM_PATIENCE_MS; performance.now() < untilMs;) {
      const { connected, lastMessageMs } = feed.status();
      if (connected && lastMessageMs !== null) return ok(`${wsUrl} answers`);
      await delay(STREAM_POLL_MS);
    }
  } finally {
    await feed.close();
  }
  return failed(`${wsUrl} does not answer: ${why}`);
}
