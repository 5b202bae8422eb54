import { readFileSync } from 'node:fs';
import { createSecureServer, createServer, type Http2Server, type IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { NativeConnection, type NativeConnectionOptions } from '@temporalio/worker';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectTemporal, temporalEnvironment } from '../../src/temporal-connection.ts';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/tls/${name}.pem`, import.meta.url));
const read = (name: string) => readFileSync(fixture(name));

/** As gRPC frames it: not compressed, no bytes. */
const EMPTY_MESSAGE = Buffer.alloc(5);

interface Call {
  readonly headers: IncomingHttpHeaders;
  /** Of the client's certificate; null where the connection has no TLS. */
  readonly client: string | null;
}

/** Servers that note who calls, with or without TLS, and answer every call with nothing. */
describe("Temporal's own environment configuration", { timeout: 60_000 }, () => {
  const servers: Http2Server[] = [];
  let calls: Call[] = [];
  let encrypted: string;
  let plain: string;

  async function listen(server: Http2Server): Promise<string> {
    server.on('stream', (stream, headers) => {
      const { authorized, getPeerCertificate } = (stream.session?.socket ?? {}) as Partial<TLSSocket>;
      const client = authorized ? (getPeerCertificate?.call(stream.session?.socket).subject.CN ?? '') : null;
      calls.push({ headers, client: Array.isArray(client) ? client.join() : client });
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(EMPTY_MESSAGE);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  beforeAll(async () => {
    const identity = { key: read('key'), cert: read('cert'), ca: read('ca') };
    encrypted = await listen(
      createSecureServer({ ...identity, requestCert: true, rejectUnauthorized: true }),
    );
    plain = await listen(createServer());
  });
  afterAll(async () => {
    for (const server of servers) await new Promise((resolve) => server.close(resolve));
  });
  beforeEach(() => {
    calls = [];
    return () => vi.unstubAllEnvs();
  });

  function given(variables: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  }

  /** As commands and dashboard connect, and as workers do. */
  async function connectBothWays(): Promise<void> {
    const client = await connectTemporal();
    await client.connection.close();
    const { connectionOptions } = temporalEnvironment();
    const connection = await NativeConnection.connect(connectionOptions as NativeConnectionOptions);
    await connection.close();
  }

  it('connects by TLS with a certificate of its own, under another server name', async () => {
    given({
      TEMPORAL_ADDRESS: encrypted,
      TEMPORAL_NAMESPACE: 'holdfast.a1b2c',
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: fixture('ca'),
      TEMPORAL_TLS_SERVER_NAME: 'temporal.example',
      TEMPORAL_TLS_CLIENT_CERT_PATH: fixture('cert'),
      TEMPORAL_TLS_CLIENT_KEY_PATH: fixture('key'),
    });
    expect(temporalEnvironment().namespace).toBe('holdfast.a1b2c');
    await connectBothWays();
    expect(calls.length).toBeGreaterThanOrEqual(2);
    expect(new Set(calls.map(({ client }) => client))).toEqual(new Set(['holdfast test']));
  });

  it('sends the API key with every call, and only by TLS unless told otherwise', async () => {
    given({ TEMPORAL_ADDRESS: plain, TEMPORAL_NAMESPACE: 'holdfast.a1b2c', TEMPORAL_API_KEY: 'not-a-key' });
    expect(temporalEnvironment().connectionOptions.tls).toBe(true);
    given({ TEMPORAL_TLS: 'false' });
    await connectBothWays();
    expect(calls.length).toBeGreaterThanOrEqual(2);
    expect(new Set(calls.map(({ headers }) => headers.authorization))).toEqual(new Set(['Bearer not-a-key']));
  });
});
