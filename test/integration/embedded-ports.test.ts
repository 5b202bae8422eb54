import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { assertPortsFree, portsFrom } from '../../src/embedded/ports.ts';

describe('the ports of a stack', () => {
  it('put Temporal on its own default, and move together', () => {
    expect(portsFrom(7230)).toEqual({
      postgres: 7231,
      exchange: 7232,
      temporal: 7233,
      temporalUi: 7234,
      dashboard: 7235,
      metrics: 7236,
      sdkMetrics: 7237,
    });
    expect(portsFrom(9000).dashboard).toBe(9005);
  });

  it.each([80, 65_529, 7230.5, Number.NaN])('refuse the base %s, saying what is allowed', (base) => {
    expect(() => portsFrom(base)).toThrow(
      `--port-base ${base}: it must be a whole number from 1024 to 65528`,
    );
  });

  it('name the taken port, who wanted it and the way out; parts that are not started do not matter', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const ports = { ...portsFrom(7230), temporalUi: port };
    await expect(assertPortsFree(ports, ['temporalUi'])).rejects.toThrow(
      `port ${port} for Temporal's Web UI is taken by another program; --port-base N moves every port`,
    );
    await expect(assertPortsFree(ports, [])).resolves.toBeUndefined();
    await new Promise((resolve) => other.close(resolve));
    await expect(assertPortsFree(ports, ['temporalUi'])).resolves.toBeUndefined();
  });
});
