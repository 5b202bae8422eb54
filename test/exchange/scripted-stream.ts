import type { AddressInfo } from 'node:net';
import { expect, vi } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';

export interface StreamRequest {
  readonly method: string;
  readonly params?: {
    readonly channel?: string;
    readonly symbol?: string[];
    readonly event_trigger?: string;
    readonly token?: string;
  };
}

/** A WebSocket server on loopback that answers as told, can be stopped and comes back on the same port. */
export class ScriptedStream {
  readonly requests: StreamRequest[] = [];
  /** Every connection there ever was. */
  readonly clients: WebSocket[] = [];
  answer: (client: WebSocket, request: StreamRequest) => void = () => undefined;
  #server: WebSocketServer | null = null;
  #port = 0;

  async start(): Promise<void> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: this.#port });
    server.on('connection', (client) => {
      this.clients.push(client);
      client.on('message', (data: Buffer) => {
        const request = JSON.parse(data.toString()) as StreamRequest;
        this.requests.push(request);
        this.answer(client, request);
      });
    });
    await new Promise((resolve) => server.once('listening', resolve));
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.terminate();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}`;
  }

  /** To the newest connection. */
  send(frame: string | object): void {
    this.clients.at(-1)?.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  sent(method: string): StreamRequest[] {
    return this.requests.filter((request) => request.method === method);
  }
}

export async function until(condition: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(condition()).toBe(true), { timeout: 15_000, interval: 10 });
}
