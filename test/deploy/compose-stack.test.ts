import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { PROJECT, readCompose, type Compose, type ComposeService } from '../support/compose.ts';
import { Containers } from '../support/containers.ts';
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts';
import { buildImage, type Image } from '../support/image.ts';
import { uniqueName } from '../support/temporal-namespace.ts';

const run = promisify(execFile);
const PARTS = ['paper', 'worker-1', 'worker-2', 'dashboard'];

/** `fetch` sets the Host by itself. */
function statusFor(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { host } }, (response) => resolve(response.resume().statusCode)).once(
      'error',
      reject,
    );
  });
}

/**
 * The compose file without a container engine: the image's files with production packages only, nobody's rights, the
 * file's own commands, variables, secrets and health checks. Names of services are this machine, ports are free ones.
 */
describe('the services of docker-compose.yml', { timeout: 300_000 }, () => {
  let scratch: string;
  let compose: Compose;
  let image: Image;
  let containers: Containers;
  let database: TestDatabase;
  const namespace = uniqueName('compose');

  const service = (name: string): ComposeService => compose.services[name] ?? {};
  async function cli<T>(...args: string[]): Promise<T> {
    const { code, output } = await containers.runOnce('cli', service('cli'), ...args, '--json');
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${output}`);
    return JSON.parse(output) as T;
  }

  beforeAll(async () => {
    scratch = await mkdtemp(path.join(tmpdir(), 'holdfast-compose-'));
    await chmod(scratch, 0o755);
    compose = await readCompose();
    image = await buildImage(path.join(scratch, 'app'));
    const temporalAddress = inject('temporalAddress');
    containers = new Containers({ image, scratch, temporalAddress, temporalNamespace: namespace });
    await run('sh', [path.join(PROJECT, 'deploy/secrets.sh'), containers.secretsDir]);
    await chmod(containers.secretsDir, 0o755);
    database = await createEmptyDatabase();
    for (const name of [...PARTS, 'cli']) await containers.place(name);
  }, 240_000);
  afterAll(async () => {
    await containers.stopAll();
    await database.drop();
    await rm(scratch, { recursive: true, force: true });
  }, 120_000);

  beforeEach(({ onTestFailed }) => onTestFailed(() => console.log(containers.lastWords())));

  it('has what a command needs in the image', async () => {
    const { code, output } = await containers.runOnce(
      'cli',
      service('cli'),
      ...(service('cli').command ?? []),
    );
    expect(code, output).toBe(0);
    expect(output).toContain('worker');
  });

  it('makes the namespace and its search attributes, and the second time finds them there', async () => {
    const bin = path.join(scratch, 'bin');
    await mkdir(bin);
    await symlink(inject('temporalCli'), path.join(bin, 'temporal'));
    const [mount = ''] = service('temporal-namespace').volumes ?? [];
    const [script = '', inside] = mount.split(':');
    expect(service('temporal-namespace').command).toEqual(['/bin/sh', inside]);
    const env = {
      ...service('temporal-namespace').environment,
      HOME: scratch,
      PATH: `${bin}:${process.env.PATH ?? ''}`,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_NAMESPACE: namespace,
    };
    for (let time = 1; time <= 2; time += 1) {
      const { stdout } = await run('/bin/sh', [path.join(PROJECT, script)], { env });
      expect(stdout).toContain(`namespace ${namespace} is ready`);
    }
  });

  it('trades: a position opens, is seen by the dashboard, and is sold when asked', async () => {
    const written = (await readFile(path.join(containers.secretsDir, 'database-url'), 'utf8')).trim();
    expect(written).toMatch(/^postgresql:\/\/holdfast:[0-9a-f]{48}@postgres:5432\/holdfast$/);
    await containers.writeSecret('database-url', database.url.replace('127.0.0.1', 'postgres'));
    for (const name of PARTS) {
      containers.start(name, service(name));
      // The others wait for it by `depends_on`.
      if (name === 'paper') await containers.healthy(name, service(name));
    }
    for (const name of PARTS) await containers.healthy(name, service(name));

    const opened = await cli<{ stage: string; positionId: string }>(
      ...['open', '--symbol', 'BTC/USD', '--side', 'long', '--notional', '250', '--wait', 'opened'],
    );
    expect(opened.stage).toBe('open');
    const dashboard = `http://127.0.0.1:${containers.port('dashboard', 7235)}`;
    const seen = async () => (await fetch(`${dashboard}/api/positions`)).text();
    await expect.poll(seen, { timeout: 30_000, interval: 200 }).toContain(opened.positionId);
    // A page that has pointed its own name at this machine.
    expect(await statusFor(`${dashboard}/api/positions`, 'evil.example')).toBe(403);
    await cli('exit', opened.positionId, '--wait', 'closed');
    expect(await cli('positions')).toEqual([]);
    await cli('doctor');
    const metrics = `http://127.0.0.1:${containers.port('worker-2', 9464)}/metrics`;
    expect(await (await fetch(metrics)).text()).toContain('temporal_');
  });

  it('drains a worker on SIGTERM while the other one guards', async () => {
    const opened = await cli<{ positionId: string }>(
      ...['open', '--symbol', 'ETH/USD', '--side', 'long', '--notional', '250', '--wait', 'opened'],
    );
    expect(await containers.stop('worker-1')).toBe(0);
    await cli('exit', opened.positionId, '--wait', 'closed');
    for (const name of ['dashboard', 'worker-2', 'paper']) expect(await containers.stop(name), name).toBe(0);
  });
});
