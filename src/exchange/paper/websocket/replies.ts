import { isoTime } from './frames.ts';
import type { Session } from './session.ts';

/** A message from a client, already known to be an object. */
export interface ClientMessage {
  readonly method?: unknown;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly req_id?: unknown;
}

/** Answers in the form of v2: one for each symbol or order of a request. */
export class Replies {
  readonly #session: Session;
  readonly #method: string;
  readonly #reqId: unknown;
  readonly #timeIn = Date.now();
  #muted = false;

  constructor(session: Session, method: string, reqId: unknown) {
    this.#session = session;
    this.#method = method;
    this.#reqId = reqId;
  }

  /** The same request answered under another method's name. */
  as(method: string): Replies {
    return new Replies(this.#session, method, this.#reqId);
  }

  /** Lets every answer from here on get lost. */
  mute(): void {
    this.#muted = true;
  }

  done(result: Record<string, unknown>): void {
    this.#send({ result, success: true });
  }

  failed(error: string, more: Record<string, unknown> = {}): void {
    this.#send({ error, success: false, ...more });
  }

  bare(fields: Record<string, unknown> = {}): void {
    this.#send(fields);
  }

  #send(fields: Record<string, unknown>): void {
    if (this.#muted) return;
    this.#session.reply({
      method: this.#method,
      ...(this.#reqId === undefined ? {} : { req_id: this.#reqId }),
      ...fields,
      time_in: isoTime(this.#timeIn),
      time_out: isoTime(Date.now()),
    });
  }
}
