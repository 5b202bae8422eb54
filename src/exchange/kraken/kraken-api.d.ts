declare module 'kraken-api' {
  interface KrakenClientOptions {
    /** Origin without a trailing slash. */
    readonly url?: string;
    /** Of one whole call, ms. */
    readonly timeout?: number;
  }

  class KrakenClient {
    constructor(key: string, secret: string, options?: KrakenClientOptions);
    /** Signs and posts. Sets `nonce` on `params` unless it is there. */
    privateMethod(method: string, params: Record<string, string>): Promise<unknown>;
  }

  export = KrakenClient;
}
