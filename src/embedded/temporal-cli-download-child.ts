/** Runs the SDK's download into argv[2], version argv[3], and sends `Obtained` to the parent. */
import { Runtime } from '@temporalio/worker';

const [dir, version] = process.argv.slice(2);
if (dir === undefined || version === undefined) throw new Error('usage: DIR VERSION');

try {
  const runtime = Runtime.instance();
  const server = await runtime.createEphemeralServer({
    type: 'dev-server',
    exe: {
      type: 'cached-download',
      downloadDir: dir,
      version: `v${version}`,
      ttl: 365 * 24 * 3_600_000,
      sdkName: 'holdfast',
      sdkVersion: version,
    },
    namespace: 'default',
    ip: '127.0.0.1',
    port: null,
    uiPort: null,
    dbFilename: null,
    ui: false,
    log: { format: 'json', level: 'never' },
    extraArgs: [],
  });
  await runtime.shutdownEphemeralServer(server);
  process.send?.({ ok: true });
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  process.send?.({ ok: false, reason: reason.split('\n')[0] ?? reason });
} finally {
  process.disconnect();
}
