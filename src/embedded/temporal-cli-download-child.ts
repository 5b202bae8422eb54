/** Runs the SDK's download into argv[2], version argv[3], and sends `Obtained` to the parent. */
import { Runtime } from '@temporalio/worker';
import { exitWithParent } from './parent-link.ts';

const [dir, version] = process.argv.slice(2);
if (dir === undefined || version === undefined) throw new Error('usage: DIR VERSION');

exitWithParent();
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
  // The SDK wraps the cause in every call it went through; only the innermost says something.
  const words = (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
  process.send?.({ ok: false, reason: words.split(': ').slice(-2).join(': ') });
} finally {
  process.disconnect();
}
