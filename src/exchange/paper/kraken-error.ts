/** A refusal in Kraken's own words, such as `EOrder:Insufficient funds`. */
export class KrakenError extends Error {
  override readonly name = 'KrakenError';
}

/** `EGeneral:Invalid arguments`, with the name of the argument where one is to blame. */
export function invalidArguments(field?: string): KrakenError {
  return new KrakenError(field ? `EGeneral:Invalid arguments:${field}` : 'EGeneral:Invalid arguments');
}
