import { z } from 'zod';
import { ExchangeUnavailable } from '../port.ts';
import { failedByCodes } from './errors.ts';
import { parse } from './parse.ts';
import { TooManyWaiting, UNPACED, type Pace } from './public-pace.ts';

const USER_AGENT = 'holdfast';

const envelope = z.object({ error: z.array(z.string()), result: z.unknown() });

export interface PublicApi {
  /** Throws `ExchangeUnavailable` or `ExchangeRefusal`. A warning beside a result is no failure. */
  get(method: string, params?: Readonly<Record<string, string>>): Promise<unknown>;
}

export function createPublicApi(restUrl: string, timeoutMs: number, pace: Pace = UNPACED): PublicApi {
  return {
    async get(method, params = {}) {
      await takeTurn(pace, method, timeoutMs);
      const url = new URL(`/0/public/${method}`, restUrl);
      url.search = new URLSearchParams(params).toString();
      const { error, result } = parse(envelope, await fetchJson(url, method, timeoutMs), method);
      const errors = error.filter((code) => !code.startsWith('W'));
      if (errors.length > 0) throw failedByCodes(method, errors);
      return result;
    },
  };
}

async function takeTurn(pace: Pace, method: string, maxWaitMs: number): Promise<void> {
  try {
    await pace(maxWaitMs);
  } catch (error) {
    if (!(error instanceof TooManyWaiting)) throw error;
    throw new ExchangeUnavailable(`${method}: not asked, ${error.message}`);
  }
}

async function fetchJson(url: URL, method: string, timeoutMs: number): Promise<unknown> {
  try {
    const response = await fetch(url, {
      headers: { 'User-Agent': USER_AGENT, Accept: 'application/json' },
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new ExchangeUnavailable(`${method}: HTTP status ${response.status}`);
    }
    return await response.json();
  } catch (error) {
    if (error instanceof ExchangeUnavailable) throw error;
    if (error instanceof SyntaxError) throw new ExchangeUnavailable(`${method}: answer is not JSON`);
    const timedOut = error instanceof DOMException && error.name === 'TimeoutError';
    const why = timedOut ? `no answer within ${timeoutMs} ms` : 'connection failed';
    throw new ExchangeUnavailable(`${method}: ${why}`, { cause: error });
  }
}
