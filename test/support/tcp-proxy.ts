import net from 'node:net';

/** A stretch of network between a client and a server that can be taken down and slowed down. */
export interface TcpProxy {
  /** `127.0.0.1:port`. */
  readonly address: string;
  readonly port: number;
  /**
   * From now on nothing arrives on the other side, no close either; connections live on, and what was sent
   * waits as in a sender's kernel. `to-client`: only answers are lost. Replaces an earlier cut.
   */
  cut(direction?: Direction | 'both'): void;
  /** Lets pass what has waited, in its order, and everything after it. */
  heal(): void;
  /** Everything takes this much longer from now on, each way; 0 ends it. */
  delay(ms: number): void;
  /** Breaks every connection, with what was on its way; new ones are taken. */
  reset(): void;
  /** How many connections there are. */
  connections(): number;
  close(): Promise<void>;
}

export type Direction = 'to-server' | 'to-client';

/** Something on its way; null is the end of the connection. */
interface Parcel {
  readonly chunk: Buffer | null;
  readonly dueMs: number;
}

/** @param target `host:port` of the server; IPv4 or a name. */
export async function openTcpProxy(target: string): Promise<TcpProxy> {
  const [host = '', port = ''] = target.split(':');
  const pipes = new Set<Pipe>();
  const isDown: Record<Direction, boolean> = { 'to-server': false, 'to-client': false };
  let delayMs = 0;

  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    const upstream = net.connect({ host, port: Number(port), allowHalfOpen: true });
    const both = [client, upstream] as const;
    for (const socket of both) socket.setNoDelay(true);
    const pair = [
      new Pipe(client, upstream, () => (isDown['to-server'] ? null : delayMs)),
      new Pipe(upstream, client, () => (isDown['to-client'] ? null : delayMs)),
    ];
    for (const pipe of pair) pipes.add(pipe);
    let open = both.length;
    for (const socket of both) {
      socket.on('close', () => {
        open -= 1;
        if (open === 0) for (const pipe of pair) pipes.delete(pipe);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const ownPort = (server.address() as net.AddressInfo).port;
  const pump = () => {
    for (const pipe of pipes) pipe.pump();
  };

  return {
    address: `127.0.0.1:${ownPort}`,
    port: ownPort,
    cut: (direction = 'both') => {
      isDown['to-server'] = direction !== 'to-client';
      isDown['to-client'] = direction !== 'to-server';
      pump();
    },
    heal: () => {
      isDown['to-server'] = isDown['to-client'] = false;
      pump();
    },
    delay: (ms) => {
      delayMs = ms;
    },
    reset: () => {
      for (const pipe of pipes) pipe.destroy();
    },
    connections: () => pipes.size / 2,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const pipe of pipes) pipe.destroy();
      await closed;
    },
  };
}

/** One direction of one connection. */
class Pipe {
  readonly #from: net.Socket;
  readonly #to: net.Socket;
  /** By how many ms to be late; null while nothing passes. */
  readonly #lateness: () => number | null;
  readonly #waiting: Parcel[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(from: net.Socket, to: net.Socket, lateness: () => number | null) {
    this.#from = from;
    this.#to = to;
    this.#lateness = lateness;
    let hasEnded = false;
    const end = () => {
      if (!hasEnded) this.#take(null);
      hasEnded = true;
    };
    from.on('data', (chunk) => this.#take(chunk));
    from.on('end', end);
    // A broken connection is an ended one to the other side, once the word gets there.
    from.on('error', end);
    from.on('close', end);
  }

  pump(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    for (let next = this.#waiting[0]; next && this.#lateness() !== null; next = this.#waiting[0]) {
      const earlyMs = next.dueMs - performance.now();
      if (earlyMs > 0) {
        this.#timer = setTimeout(() => this.pump(), Math.ceil(earlyMs));
        return;
      }
      this.#waiting.shift();
      if (next.chunk === null) this.#to.end();
      else if (!this.#to.destroyed) this.#to.write(next.chunk);
    }
  }

  destroy(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#waiting.length = 0;
    this.#from.resetAndDestroy();
    this.#to.resetAndDestroy();
  }

  #take(chunk: Buffer | null): void {
    this.#waiting.push({ chunk, dueMs: performance.now() + (this.#lateness() ?? 0) });
    this.pump();
  }
}
