import type { Exchange, KeyInfo } from '../../exchange/port.ts';
import { failed, ok, warning, type Check, type Verdict } from './check.ts';

/** What each right is for; without one of them trading stops somewhere. */
const NEEDED: Readonly<Record<string, string>> = {
  'query-funds': 'balances',
  'query-open-trades': 'open orders',
  'query-closed-trades': 'look-ups of closed orders and fills',
  'modify-trades': 'placing orders',
  'close-trades': 'cancelling orders',
};

/** What trading goes on without, though worse. */
const USEFUL: Readonly<Record<string, string>> = {
  'create-ws-token': 'private streams: without them fills of resting orders are known later',
};

/** The rights of the API key and its nonce window; asked once. */
export function keyChecks(open: () => Exchange, hasKey: boolean): Check[] {
  let asked: Promise<KeyInfo> | null = null;
  const about = (judge: (key: KeyInfo) => Verdict) => async () => {
    if (!hasKey) return warning('not checked: KRAKEN_API_KEY and KRAKEN_API_SECRET are not set');
    asked ??= open().keyInfo();
    return judge(await asked);
  };
  return [
    { name: 'withdrawal rights', run: about(withdrawal) },
    { name: 'permissions', run: about(permissions) },
    { name: 'nonce window', run: about(nonceWindow) },
  ];
}

function withdrawal({ canWithdraw }: KeyInfo): Verdict {
  if (!canWithdraw) return ok('none');
  return failed('refused: the API key may withdraw funds; make a key without withdrawal rights and use that');
}

function permissions({ permissions: granted }: KeyInfo): Verdict {
  const needed = missing(NEEDED, granted);
  if (needed.length > 0) return failed(`the API key lacks ${needed.join(', ')}`);
  const useful = missing(USEFUL, granted);
  if (useful.length > 0) return warning(`the API key lacks ${useful.join(', ')}`);
  return ok(granted.join(', '));
}

function missing(rights: Readonly<Record<string, string>>, granted: readonly string[]): string[] {
  return Object.entries(rights)
    .filter(([right]) => !granted.includes(right))
    .map(([right, purpose]) => `${right} (${purpose})`);
}

function nonceWindow({ nonceWindow: width }: KeyInfo): Verdict {
  if (width === 0) return ok('0');
  return warning(`${width}; set it to 0, or an old request may be taken a second time`);
}
