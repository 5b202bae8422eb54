import { ExchangeRefusal, ExchangeUnavailable, type SubmitOutcome } from '../port.ts';
import type { PrivateReply } from './private-api.ts';

/**
 * Strings that prove that no order came of the request. Everything that is not here, a string
 * that nobody has seen before included, leaves the outcome unknown.
 */
const DEFINITE = new Set([
  'EAPI:Invalid key',
  'EAPI:Invalid signature',
  // Proof only because no request is ever sent twice with one nonce.
  'EAPI:Invalid nonce',
  'EAPI:Rate limit exceeded',
  'EAPI:Bad request',
  'EAPI:Feature disabled',
  'EGeneral:Too many requests',
  'EGeneral:Temporary lockout',
  'EGeneral:Permission denied',
  'EGeneral:Unknown method',
  'EGeneral:Invalid arguments',
  'EQuery:Unknown asset pair',
  'EQuery:Invalid asset pair',
  'EQuery:Unknown asset',
  'EOrder:Insufficient funds',
  'EOrder:Order minimum not met',
  'EOrder:Cost minimum not met',
  'EOrder:Tick size check failed',
  'EOrder:Invalid price',
  'EOrder:Invalid price argument',
  'EOrder:Invalid secondary price argument',
  'EOrder:Rate limit exceeded',
  'EOrder:Domain rate limit exceeded',
  'EOrder:Orders limit exceeded',
  'EOrder:Scheduled orders limit exceeded',
  'EOrder:Positions limit exceeded',
  'EOrder:Post only order',
  'EOrder:Order not editable',
  'EOrder:Not enough leaves qty',
  'EOrder:Reduce only:No position exists',
  'EOrder:Reduce only:Non-PC',
  'EOrder:Reduce only:Non-ECP',
  'EOrder:Cannot open position',
  'EOrder:Cannot open opposing position',
  'EOrder:Margin allowance exceeded',
  'EOrder:Margin level too low',
  'EOrder:Margin position size exceeded',
  'EOrder:Insufficient margin',
  'EOrder:Insufficient initial margin',
  'EOrder:Trading agreement required',
  'EOrder:cl_ord_id is not supported on conditional close',
  'EService:Market in cancel_only mode',
  'EService:Market in post_only mode',
  'EService:Market in limit_only mode',
  'EAccount:Invalid permissions',
  'EAuth:Account temporary disabled',
  'EAuth:Account unconfirmed',
  'EAuth:Rate limit exceeded',
  'EAuth:Too many requests',
  'EAuth:Failed',
  'ESession:Invalid session',
  'ETrade:Invalid request',
  'ETrade:Locked',
  'ETrade:User Locked',
  'EBM:limit exceeded:CAL',
]);

/** Refusals of an exit that say that there is nothing, or too little, to sell or to close. */
const NOT_HELD = new Set([
  'EOrder:Insufficient funds',
  'EOrder:Reduce only:No position exists',
  'EOrder:Reduce only:Non-PC',
  'EOrder:Reduce only:Non-ECP',
]);

/** Families whose strings go on with a field, a price rule or a moment. */
const DEFINITE_FAMILIES = [
  'EGeneral:Invalid arguments:',
  'EOrder:Invalid price:',
  'EAccount:Invalid permissions:',
  'EFunding:',
  'EService: Throttled:',
  'EService:Throttled:',
];

/** Refusals that say "not now": a question may simply be asked again. */
const PASSING = new Set([
  'EAPI:Invalid nonce',
  'EAPI:Rate limit exceeded',
  'EGeneral:Too many requests',
  'EGeneral:Temporary lockout',
  'EOrder:Rate limit exceeded',
  'EOrder:Domain rate limit exceeded',
  'EAuth:Rate limit exceeded',
  'EAuth:Too many requests',
]);

export function isDefiniteRefusal(code: string): boolean {
  return DEFINITE.has(code) || DEFINITE_FAMILIES.some((family) => code.startsWith(family));
}

/** Of a reply that holds no order id. Several errors are definite only if each one is. */
export function failedSubmit(reply: Exclude<PrivateReply, { kind: 'result' }>): SubmitOutcome {
  if (reply.kind === 'trouble') return { kind: 'unknown', why: reply.why };
  const [first] = reply.codes;
  if (first !== undefined && reply.codes.every(isDefiniteRefusal)) {
    const isNotHeld = reply.codes.some((code) => NOT_HELD.has(code));
    return { kind: 'refused', code: first, message: reply.codes.join(', '), ...(isNotHeld && { isNotHeld }) };
  }
  return { kind: 'unknown', why: reply.codes.join(', ') };
}

/** What a question that got no answer throws. */
export function failedQuestion(
  method: string,
  reply: Exclude<PrivateReply, { kind: 'result' }>,
): ExchangeUnavailable | ExchangeRefusal {
  if (reply.kind === 'trouble') return new ExchangeUnavailable(`${method}: ${reply.why}`);
  return failedByCodes(method, reply.codes);
}

export function failedByCodes(
  method: string,
  codes: readonly string[],
): ExchangeUnavailable | ExchangeRefusal {
  const [first] = codes;
  const passing = codes.some((code) => PASSING.has(code) || code.startsWith('EService'));
  if (first === undefined || passing || !codes.every(isFinalAnswer)) {
    return new ExchangeUnavailable(`${method}: ${codes.join(', ') || 'an error without text'}`);
  }
  return new ExchangeRefusal(first, `${method}: ${codes.join(', ')}`);
}

/** True for a question about an order or trade that Kraken says it does not have. */
export function isUnknownId(code: string): boolean {
  return code === 'EOrder:Invalid order' || code === 'EOrder:Unknown order';
}

function isFinalAnswer(code: string): boolean {
  return isDefiniteRefusal(code) || isUnknownId(code) || code === 'EOrder:Unknown position';
}
