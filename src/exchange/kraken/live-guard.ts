const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Where orders go: to an exchange without real money, or to a real one. */
export type Venue = 'paper' | 'live';

/**
 * Real money needs an explicit yes. Throws unless `restUrl` is on this machine, its host is a named
 * paper exchange (`paperHosts`, as under docker compose), or live trading was allowed.
 */
export function assertLiveAllowed(
  restUrl: string,
  liveAllowed: boolean,
  paperHosts: readonly string[] = [],
): Venue {
  if (!URL.canParse(restUrl)) {
    throw new Error(`restUrl is ${JSON.stringify(restUrl)}, expected an http or https URL`);
  }
  const { hostname, protocol } = new URL(restUrl);
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new Error(`restUrl has protocol ${protocol}, expected http: or https:`);
  }
  if (LOOPBACK.test(hostname) || paperHosts.includes(hostname)) return 'paper';
  if (!liveAllowed) {
    throw new Error(
      `${hostname} is not a paper exchange on this machine and live trading is not allowed: set HOLDFAST_LIVE=yes to trade real money there`,
    );
  }
  if (protocol !== 'https:') throw new Error(`live trading at ${hostname} needs https, not http`);
  return 'live';
}
