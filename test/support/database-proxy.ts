import net from 'node:net';

/** What to do with the connection on which the `nth` message that contains `text` comes by. */
export interface Cut {
  readonly text: string;
  /** 1 is the first. */
  readonly nth: number;
  /** `before`: the server never sees it. `after`: the server acts on it, its answer is lost. */
  readonly when: 'before' | 'after';
}

export interface DatabaseProxy {
  /** The database by way of the proxy. */
  readonly url: string;
  /** Cuts once; the promise resolves when it has happened. */
  cutOnce(cut: Cut): Promise<void>;
  /** From now on nothing comes back, as from a machine that hangs. */
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

/** Stands between client and PostgreSQL and breaks connections at a chosen message. */
export async function proxyDatabase(databaseUrl: string): Promise<DatabaseProxy> {
  const target = new URL(databaseUrl);
  const sockets = new Set<net.Socket>();
  let armed: (Cut & { readonly done: () => void }) | null = null;
  let seen = 0;
  let isFrozen = false;

  const server = net.createServer((client) => {
    const upstream = net.connect(Number(target.port), target.hostname);
    let swallows = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    const cut = () => {
      const { done } = armed ?? {};
      armed = null;
      client.destroy();
      upstream.destroy();
      done?.();
    };
    client.on('data', (chunk) => {
      if (armed && chunk.includes(armed.text)) seen += 1;
      if (!armed || !chunk.includes(armed.text) || seen < armed.nth) {
        upstream.write(chunk);
        return;
      }
      if (armed.when === 'before') {
        cut();
        return;
      }
      swallows = true;
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (swallows) {
        cut();
        return;
      }
      if (!isFrozen) client.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(databaseUrl);
  url.port = String((server.address() as net.AddressInfo).port);

  return {
    url: url.href,
    cutOnce: (cut) =>
      new Promise((resolve) => {
        seen = 0;
        armed = { ...cut, done: resolve };
      }),
    freeze: () => (isFrozen = true),
    thaw: () => (isFrozen = false),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
