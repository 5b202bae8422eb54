import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The way to an exchange on which orders can be held up, as bytes that have left but not arrived. */
export interface Gate {
  readonly url: string;
  /** Orders wait from now on; everything else passes. */
  shut(): void;
  /** How many orders wait. */
  held(): number;
  /** Lets go what waits, byte for byte, and everything after it. */
  open(): void;
  close(): void;
}

export async function openGate(target: string): Promise<Gate> {
  let release: (() => void) | null = null;
  let opened: Promise<void> = Promise.resolve();
  let held = 0;
  const server = createServer((request, response) => {
    const pass = async () => {
      const body = await bodyOf(request);
      if (request.url?.endsWith('/AddOrder') && release) {
        held += 1;
        await opened;
      }
      const headers = Object.entries(request.headers).filter(([name]) => /^(api-|content-type)/.test(name));
      const answer = await fetch(new URL(request.url ?? '/', target), {
        method: request.method ?? 'GET',
        headers: headers as [string, string][],
        ...(body.length === 0 ? {} : { body }),
      });
      response.end(await answer.text());
    };
    pass().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    shut: () => {
      opened = new Promise((resolve) => (release = resolve));
    },
    held: () => held,
    open: () => {
      release?.();
      release = null;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
