import net from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTcpProxy, type TcpProxy } from './tcp-proxy.ts';

/** Fault injection that doesn't inject proves nothing. */
describe('a network between two ends', () => {
  let server: net.Server;
  let atServer: string;
  let proxy: TcpProxy;
  let client: net.Socket;
  let atClient: string;
  let ends: string[];

  beforeEach(async () => {
    [atServer, atClient] = ['', ''];
    const ended: string[] = [];
    ends = ended;
    server = net.createServer((socket) => {
      socket.on('data', (chunk) => {
        atServer += chunk.toString();
        socket.write(chunk.toString().toUpperCase());
      });
      socket.on('close', () => ended.push('server'));
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    proxy = await openTcpProxy(`127.0.0.1:${(server.address() as net.AddressInfo).port}`);
    client = await connected();
  });
  afterEach(async () => {
    client.destroy();
    await proxy.close();
    await new Promise((resolve) => server.close(resolve));
  });

  async function connected(): Promise<net.Socket> {
    const socket = net.connect(proxy.port, '127.0.0.1');
    socket.on('data', (chunk) => (atClient += chunk.toString()));
    socket.on('error', () => undefined);
    await new Promise<void>((resolve) => socket.on('connect', () => resolve()));
    return socket;
  }

  const roundTrip = async (text: string) => {
    client.write(text);
    await expect.poll(() => atClient).toContain(text.toUpperCase());
  };

  it('passes everything both ways, and the end', async () => {
    await roundTrip('one');
    client.end();
    await expect.poll(() => ends).toEqual(['server']);
    await expect.poll(() => proxy.connections()).toBe(0);
  });

  it('holds everything back while it is cut, in order, and breaks nothing', async () => {
    await roundTrip('one');
    proxy.cut();
    client.write('two');
    client.write('three');
    const late = await connected();
    late.write('four');
    late.end();
    // Long enough for loopback to have carried it.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([atServer, atClient, ends]).toEqual(['one', 'ONE', []]);
    proxy.heal();
    await expect.poll(() => atServer).toMatch(/one.*two.*three/);
    await expect.poll(() => atServer).toContain('four');
    await expect.poll(() => atClient).toContain('TWOTHREE');
    await expect.poll(() => ends).toEqual(['server']);
  });

  it('loses answers only, where it is told so', async () => {
    proxy.cut('to-client');
    client.write('one');
    await expect.poll(() => atServer).toBe('one');
    expect(atClient).toBe('');
    proxy.heal();
    await expect.poll(() => atClient).toBe('ONE');
  });

  it('is late by as much as it is told', async () => {
    proxy.delay(150);
    const sentMs = performance.now();
    await roundTrip('one');
    // A timer may fire a moment before its time.
    expect(performance.now() - sentMs).toBeGreaterThan(290);
    proxy.delay(0);
    await roundTrip('two');
  });

  it('breaks connections, and takes new ones', async () => {
    await roundTrip('one');
    proxy.reset();
    await expect.poll(() => client.destroyed).toBe(true);
    await expect.poll(() => ends).toEqual(['server']);
    client = await connected();
    await roundTrip('two');
  });
});
