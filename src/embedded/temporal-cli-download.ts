import { fork } from 'node:child_process';
import { mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Obtained, ObtainTemporalCli } from './temporal-cli-source.ts';

const FIRST_BYTE_MS = 20_000;
const STALL_MS = 30_000;
const LOOK_EVERY_MS = 250;

/**
 * Lets the SDK download the CLI as it does for its own tests. The SDK can neither be cancelled nor asked
 * for progress, so it runs in a process of its own and is judged by the bytes that arrive.
 */
export const downloadTemporalCli: ObtainTemporalCli = async ({
  target,
  version,
  env,
  signal,
  onProgress,
}) => {
  const dir = await mkdtemp(join(dirname(target), 'download-'));
  onProgress(`downloading the Temporal CLI ${version}`);
  const child = fork(
    fileURLToPath(new URL('./temporal-cli-download-child.ts', import.meta.url)),
    [dir, version],
    {
      env,
      execArgv: ['--import', createRequire(import.meta.url).resolve('tsx/esm')],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      ...(signal === undefined ? {} : { signal }),
    },
  );
  const ended = new Promise<Obtained>((resolve) => {
    let answer: Obtained = { ok: false, reason: 'the download process ended without an answer' };
    child.on('message', (message) => (answer = message as Obtained));
    child.once('error', (error) => resolve({ ok: false, reason: error.message }));
    child.once('exit', () => resolve(answer));
  });
  const watch = watchBytes(dir, onProgress);
  try {
    const result = await Promise.race([ended, watch.stalled]);
    if (!result.ok) return result;
    const [file] = await readdir(dir);
    if (file === undefined) return { ok: false, reason: 'the download left no file' };
    await rename(join(dir, file), target);
    return { ok: true };
  } finally {
    watch.stop();
    child.kill('SIGKILL');
    await ended;
    await rm(dir, { recursive: true, force: true });
  }
};

function watchBytes(dir: string, onProgress: (line: string) => void) {
  let bytes = 0;
  let grewAtMs = Date.now();
  let toldMegabytes = 0;
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<Obtained>((resolve) => {
    timer = setInterval(() => {
      void sizeOf(dir).then((now) => {
        if (now > bytes) grewAtMs = Date.now();
        bytes = now;
        const megabytes = Math.floor(bytes / 1e6);
        if (megabytes >= toldMegabytes + 10) {
          toldMegabytes = megabytes;
          onProgress(`downloading the Temporal CLI: ${megabytes} MB unpacked`);
        }
        const silentMs = Date.now() - grewAtMs;
        if (silentMs > (bytes === 0 ? FIRST_BYTE_MS : STALL_MS)) {
          resolve({ ok: false, reason: `nothing arrived for ${Math.round(silentMs / 1_000)} s` });
        }
      });
    }, LOOK_EVERY_MS);
  });
  return { stalled, stop: () => clearInterval(timer) };
}

async function sizeOf(dir: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(dir).catch(() => [])) {
    bytes += await stat(join(dir, name)).then(
      (file) => file.size,
      () => 0,
    );
  }
  return bytes;
}
