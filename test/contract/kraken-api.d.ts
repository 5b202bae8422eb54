declare module 'kraken-api' {
  class KrakenClient {
    constructor(key: string, secret: string, options?: { readonly url?: string; readonly timeout?: number });
    /** Signs and posts; strips the leading `E` of errors. */
    privateMethod(method: string, params: Record<string, string>): Promise<unknown>;
  }

  export = KrakenClient;
}
