import { execFile } from 'node:child_process';
import { access, constants, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { waitForFileLock } from '../../../src/embedded/file-lock.ts';
import { buildWithGo, goIsThere } from '../../../src/embedded/go-build.ts';
import { defaultCacheDir } from '../../../src/embedded/temporal-cli.ts';
import { temporalToolsDir } from '../../../src/embedded/temporal-cli-version.ts';

const run = promisify(execFile);
const MODULE = 'go.temporal.io/server';

/** Paths of what a full Temporal server on PostgreSQL needs. */
export interface TemporalServerPrograms {
  readonly server: string;
  readonly sqlTool: string;
}

/**
 * Temporal's full server and its schema tool, of the version that the embedded one has inside: from the cache beside
 * the Temporal CLI, else built with Go from the server's own module (about 7 minutes on two cores).
 */
export async function temporalServerPrograms(say: (line: string) => void): Promise<TemporalServerPrograms> {
  const { Version, Dir } = await serverModule();
  const cacheDir = defaultCacheDir();
  await mkdir(cacheDir, { recursive: true });
  const lock = await waitForFileLock(join(cacheDir, `temporal-server-${Version}.lock`), {
    everyMs: 500,
    onWait: ({ pid }) => say(`waiting for process ${pid}, which builds the Temporal server`),
  });
  try {
    const program = async (name: string, packageName: string) => {
      const target = join(cacheDir, `${name}-${Version.replace(/^v/, '')}`);
      if (await isExecutable(target)) return target;
      const built = await buildWithGo({
        what: `${name} ${Version}`,
        moduleDir: Dir,
        packageName,
        target,
        // The module's own go.mod pins what it is built from, whatever workspace this is called in.
        env: { ...process.env, GOFLAGS: '-mod=readonly -buildvcs=false', GOWORK: 'off' },
        onProgress: say,
      });
      if (!built.ok) throw new Error(`${name} could not be built: ${built.reason}`);
      return target;
    };
    return {
      server: await program('temporal-server', './cmd/server'),
      sqlTool: await program('temporal-sql-tool', './cmd/tools/sql'),
    };
  } finally {
    await lock.release();
  }
}

/** Fetched where it is missing, and held against the go.sum of tools/temporal, which pins it with the CLI. */
async function serverModule(): Promise<{ Version: string; Dir: string }> {
  if (!(await goIsThere(process.env)))
    throw new Error('Temporal on PostgreSQL is built with Go: install Go, or leave out --temporal postgres');
  const { stdout } = await run('go', ['mod', 'download', '-json', MODULE], { cwd: temporalToolsDir });
  return JSON.parse(stdout) as { Version: string; Dir: string };
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
