import type { WebSocket } from 'ws';
import type { Faults } from '../faults.ts';
import type { BookState } from './book-frames.ts';
import { encode } from './frames.ts';

/** Which symbols of a channel a client follows, with the options it asked for. */
export interface Subscription {
  readonly eventTrigger?: 'trades' | 'bbo';
  readonly depth?: number;
  /** The book as this client has it. */
  book?: BookState;
  readonly interval?: number;
}

/** A private channel of one client; its messages are numbered from 1. */
export interface PrivateSubscription {
  readonly accountId: string;
  readonly ratecounter: boolean;
  sequence: number;
}

/** One client connection: what it follows, and how frames get to it. */
export class Session {
  /** By channel and symbol, such as `ticker/BTC/USD`. */
  readonly subscriptions = new Map<string, Subscription>();
  readonly private = new Map<'executions' | 'balances', PrivateSubscription>();
  readonly #socket: WebSocket;
  readonly #faults: Faults;
  #lastSentMs = 0;
  lastHeardMs: number;
  #stalledUntilMs = 0;

  constructor(socket: WebSocket, faults: Faults, nowMs: number) {
    this.#socket = socket;
    this.#faults = faults;
    this.lastHeardMs = nowMs;
  }

  get subscribed(): boolean {
    return this.subscriptions.size > 0 || this.private.size > 0;
  }

  /** Says nothing any more until then; frames of that time are lost. */
  stall(untilMs: number): void {
    this.#stalledUntilMs = untilMs;
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  /** Ends the connection without a closing handshake. */
  terminate(): void {
    this.#socket.terminate();
  }

  /** Sends a frame of a channel, twice when a fault says so. */
  publish(channel: string, frame: unknown): void {
    const text = encode(frame);
    this.#sendText(text);
    if (this.#faults.strike(channel, 'duplicate-frame')) this.#sendText(text);
  }

  reply(frame: unknown): void {
    this.#sendText(encode(frame));
  }

  heartbeat(nowMs: number, everyMs: number): void {
    if (this.subscribed && nowMs - this.#lastSentMs >= everyMs) this.#sendText('{"channel":"heartbeat"}');
  }

  #sendText(text: string): void {
    const nowMs = Date.now();
    if (nowMs < this.#stalledUntilMs || this.#socket.readyState !== this.#socket.OPEN) return;
    this.#lastSentMs = nowMs;
    this.#socket.send(text);
  }
}
