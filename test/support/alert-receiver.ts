import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How one request is answered; whatever nothing is planned for is taken with 200. */
export type Answer =
  | { readonly status: number; readonly retryAfterSeconds?: number; readonly body?: unknown }
  /** No answer at all, until the caller gives up or `release` is called. */
  | 'silence'
  | 'reset';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
  readonly atMs: number;
  /** Of the answer; null when none was given. */
  readonly status: number | null;
}

/** A local service that people are told through, and that fails as it is told to. */
export class AlertReceiver {
  readonly received: Received[] = [];
  readonly #plans = new Map<string, Answer[]>();
  readonly #always = new Map<string, Answer>();
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const path = request.url ?? '';
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
      const service = path.split('/')[1] ?? '';
      const answer = this.#plans.get(service)?.shift() ?? this.#always.get(service) ?? { status: 200 };
      const status = typeof answer === 'string' ? null : answer.status;
      this.received.push({ path, headers: request.headers, body, atMs: Date.now(), status });
      respond(response, answer);
    });
  });

  static async start(): Promise<AlertReceiver> {
    const receiver = new AlertReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next requests to a service, the first part of the path, are answered so, in this order. */
  plan(service: string, ...answers: Answer[]): void {
    this.#plans.set(service, answers);
  }

  /** Every request is answered so from now on; null: as usual. */
  always(service: string, answer: Answer | null): void {
    if (answer === null) this.#always.delete(service);
    else this.#always.set(service, answer);
  }

  /** What a service was sent. */
  sentTo(service: string): Received[] {
    return this.received.filter(({ path }) => path.split('/')[1] === service);
  }

  /** What it has taken. */
  takenBy(service: string): Received[] {
    return this.sentTo(service).filter(({ status }) => status === 200);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function respond(response: ServerResponse, answer: Answer): void {
  if (answer === 'silence') return;
  if (answer === 'reset') {
    response.socket?.resetAndDestroy();
    return;
  }
  const { status, retryAfterSeconds, body = {} } = answer;
  if (retryAfterSeconds !== undefined) response.setHeader('retry-after', String(retryAfterSeconds));
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
