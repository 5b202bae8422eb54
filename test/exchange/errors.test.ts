import { describe, expect, it } from 'vitest';
import {
  failedByCodes,
  failedQuestion,
  failedSubmit,
  isDefiniteRefusal,
} from '../../src/exchange/kraken/errors.ts';
import { ExchangeRefusal, ExchangeUnavailable } from '../../src/exchange/port.ts';

/** What may be said of an order that was refused with these words. */
const NO_ORDER = [
  'EAPI:Invalid key',
  'EAPI:Invalid signature',
  'EAPI:Invalid nonce',
  'EAPI:Rate limit exceeded',
  'EAPI:Bad request',
  'EAPI:Feature disabled',
  'EService: Throttled: 1700000000',
  'EGeneral:Too many requests',
  'EGeneral:Temporary lockout',
  'EGeneral:Permission denied',
  'EGeneral:Unknown method',
  'EGeneral:Invalid arguments',
  'EGeneral:Invalid arguments:volume',
  'EGeneral:Invalid arguments:Index unavailable',
  'EQuery:Unknown asset pair',
  'EOrder:Insufficient funds',
  'EOrder:Order minimum not met',
  'EOrder:Cost minimum not met',
  'EOrder:Tick size check failed',
  'EOrder:Invalid price:XXBTZEUR price can only be specified up to 1 decimals.',
  'EOrder:Invalid price argument',
  'EOrder:Rate limit exceeded',
  'EOrder:Domain rate limit exceeded',
  'EOrder:Orders limit exceeded',
  'EOrder:Reduce only:No position exists',
  'EOrder:Insufficient initial margin',
  'EService:Market in cancel_only mode',
  'EAccount:Invalid permissions:ES:Other',
  'ESession:Invalid session',
];

const MAYBE_AN_ORDER = [
  'EGeneral:Internal error',
  'EGeneral:Internal error:7',
  'EDatabase:Internal error',
  'EOrder:Reduce only:Position is closed',
  'EOrder:Cancel pending',
  'EService:Unavailable',
  'EService:Busy',
  'EService:Timeout',
  'EService:Deadline elapsed',
  'EOrder:Duplicate order',
  'EOrder:cl_ord_id already in use',
  'EOrder:Duplicate cl_ord_id',
  'EOrder:Insufficient funds, perhaps',
  'EOrder:Unheard of',
  '',
];

describe('refusals of an order', () => {
  it.each(NO_ORDER)('%s proves that there is none', (code) => {
    expect(isDefiniteRefusal(code)).toBe(true);
    const saysNotHeld = ['EOrder:Insufficient funds', 'EOrder:Reduce only:No position exists'].includes(code);
    expect(failedSubmit({ kind: 'error', codes: [code] })).toEqual({
      kind: 'refused',
      code,
      message: code,
      ...(saysNotHeld ? { isNotHeld: true } : {}),
    });
  });

  it.each(MAYBE_AN_ORDER)('%j proves nothing', (code) => {
    expect(failedSubmit({ kind: 'error', codes: [code] })).toEqual({ kind: 'unknown', why: code });
    expect(failedSubmit({ kind: 'error', codes: ['EOrder:Insufficient funds', code] }).kind).toBe('unknown');
  });

  it('prove nothing when there are none', () => {
    expect(failedSubmit({ kind: 'error', codes: [] }).kind).toBe('unknown');
  });
});

describe('questions that failed', () => {
  it.each([
    'EGeneral:Permission denied',
    'EAPI:Invalid key',
    'EQuery:Unknown asset pair',
    'EOrder:Invalid order',
  ])('%s is a final answer', (code) => {
    const failure = failedByCodes('OpenOrders', [code]);
    expect(failure).toBeInstanceOf(ExchangeRefusal);
    expect(failure).toMatchObject({ code });
  });

  it.each([
    'EAPI:Invalid nonce',
    'EAPI:Rate limit exceeded',
    'EGeneral:Temporary lockout',
    'EService:Unavailable',
    'EService: Throttled: 1700000000',
    'EGeneral:Internal error',
    'EOther:Unheard of',
  ])('%s is to be asked again', (code) => {
    expect(failedByCodes('OpenOrders', [code])).toBeInstanceOf(ExchangeUnavailable);
  });

  it('are to be asked again after trouble on the way', () => {
    const failure = failedQuestion('OpenOrders', {
      kind: 'trouble',
      trouble: 'http',
      why: 'HTTP status 502',
    });
    expect(failure).toBeInstanceOf(ExchangeUnavailable);
    expect(failure.message).toBe('OpenOrders: HTTP status 502');
  });
});
