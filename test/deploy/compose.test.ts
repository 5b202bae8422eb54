import { execFile } from 'node:child_process';
import { access, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { beforeAll, describe, expect, it } from 'vitest';
import { VARIABLES } from '../../src/config.ts';
import { PROJECT, readCompose, type Compose, type ComposeService } from '../support/compose.ts';

const run = promisify(execFile);
const text = (file: string) => readFile(path.join(PROJECT, file), 'utf8');

/** The validator that fastify brings, in the dialect of the schema, which has no export of its own there. */
const { Ajv2020 } = createRequire(import.meta.resolve('@fastify/ajv-compiler'))('ajv/dist/2020.js') as {
  Ajv2020: new (options: object) => {
    validate: (schema: object, document: unknown) => boolean;
    errors: { instancePath: string; message: string }[] | null;
  };
};

/** What the specification does not allow, with where. */
async function violations(document: unknown): Promise<string[]> {
  const schema = JSON.parse(await text('test/fixtures/compose-spec.json')) as object;
  // Its durations are Go's, not those of JSON schema.
  const validator = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
  validator.validate(schema, document);
  return (validator.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

describe('docker-compose.yml', () => {
  let compose: Compose;
  let services: [string, ComposeService][];
  let ours: [string, ComposeService][];

  beforeAll(async () => {
    compose = await readCompose();
    services = Object.entries(compose.services);
    ours = services.filter(([, { build }]) => build !== undefined);
  });

  const where = (wanted: (service: ComposeService) => boolean) =>
    services.filter(([, service]) => wanted(service)).map(([name]) => name);

  it('is valid by the Compose Specification', async () => {
    const document = parse(await text('docker-compose.yml'), { merge: true }) as { services: object };
    expect(await violations(document)).toEqual([]);
    const worse = {
      ...document,
      services: { ...document.services, paper: { image: 'x', comand: ['paper'] } },
    };
    expect(await violations(worse)).toContain('/services/paper must NOT have unevaluated properties');
  });

  it('knows every variable that it sets for our services, and sets none that an engine would leave empty', () => {
    const names = ours.flatMap(([, { environment = {} }]) => Object.keys(environment));
    const unknown = names.filter(
      (name) => !VARIABLES.includes(name) && !/^TEMPORAL_(ADDRESS|NAMESPACE)$/.test(name),
    );
    expect(unknown).toEqual([]);
  });

  it('mounts what is there, and every secret that a service reads is given to it', async () => {
    const secretsDir = await mkdtemp(path.join(tmpdir(), 'holdfast-secrets-'));
    try {
      await run('sh', [path.join(PROJECT, 'deploy/secrets.sh'), secretsDir]);
      const made = await readdir(secretsDir);
      for (const [name, { file }] of Object.entries(compose.secrets)) {
        expect(path.dirname(file)).toBe('./deploy/secrets');
        expect(made, `deploy/secrets.sh makes ${name}`).toContain(path.basename(file));
      }
      expect(made.toSorted()).toEqual(Object.keys(compose.secrets).toSorted());
      expect((await stat(secretsDir)).mode & 0o777).toBe(0o700);
    } finally {
      await rm(secretsDir, { recursive: true });
    }
    for (const [name, service] of services) {
      const words = JSON.stringify([service.environment ?? {}, service.command ?? []]);
      const read = new Set([...words.matchAll(/\/run\/secrets\/([\w-]+)/g)].map(([, secret]) => secret));
      const scripts = (service.volumes ?? []).filter((mount) =>
        mount.startsWith('./deploy/temporal/schema.sh'),
      );
      if (scripts.length > 0) read.add('postgres-password');
      expect([...read].toSorted(), name).toEqual([...(service.secrets ?? [])].toSorted());
      for (const mount of service.volumes ?? []) {
        const [source = ''] = mount.split(':');
        if (source.startsWith('.')) await access(path.join(PROJECT, source));
        else expect(Object.keys(compose.volumes)).toContain(source);
      }
    }
  });

  it('waits only for what can come true', () => {
    for (const [name, { depends_on: needs = {}, profiles }] of services) {
      for (const [other, { condition }] of Object.entries(needs)) {
        const needed = compose.services[other];
        expect(needed, `${name} waits for ${other}`).toBeDefined();
        expect(needed?.profiles ?? profiles, other).toEqual(profiles);
        if (condition === 'service_healthy') expect(needed?.healthcheck, other).toBeDefined();
        if (condition === 'service_completed_successfully')
          expect(needed?.restart, other).toMatch(/^(no|on-failure.*)$/);
      }
    }
  });

  it('gives nobody more than they need', () => {
    const jobs = where(({ restart }) => restart !== 'unless-stopped');
    expect(jobs).toEqual(['cli', 'temporal-schema', 'temporal-namespace']);
    expect(where((service) => !service.healthcheck)).toEqual(jobs);
    expect(where(({ user }) => user === undefined || /^(root|0)\b/.test(user))).toEqual([]);
    expect(where((service) => service.read_only !== true)).toEqual([]);
    expect(where((service) => service.cap_drop?.[0] !== 'ALL')).toEqual([]);
    expect(where((service) => !service.security_opt?.includes('no-new-privileges:true'))).toEqual([]);
    expect(where(({ ports = [] }) => ports.some((port) => !/^127\.0\.0\.1:\d+:\d+$/.test(port)))).toEqual([]);
    expect(where(({ image }) => !/:v?\d+\.\d+[\w.-]*$/.test(image ?? ''))).toEqual([]);
    const passwords = services.filter(([, { environment = {} }]) =>
      Object.keys(environment).some((name) => /(PASSWORD|PWD|SECRET|TOKEN|API_KEY|DATABASE_URL)$/.test(name)),
    );
    expect(passwords).toEqual([]);
  });

  it('has two workers at least, each with a key that the paper exchange knows and nobody else uses', async () => {
    const keyOf = ({ environment = {} }: ComposeService) =>
      [environment.KRAKEN_API_KEY_FILE, environment.KRAKEN_API_SECRET_FILE].join(',');
    const keys = ours.filter(([, service]) => keyOf(service) !== ',').map(([, service]) => keyOf(service));
    const workers = services.filter(([, { command }]) => command?.[0] === 'worker');
    expect(workers.length).toBeGreaterThanOrEqual(2);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.filter((key) => !compose.services.paper?.command?.includes(key))).toEqual([]);
    const { scrape_configs: scraped } = parse(await text('deploy/prometheus/prometheus.yml')) as {
      scrape_configs: { dns_sd_configs: { names: string[]; port: number }[] }[];
    };
    const [{ names, port } = { names: [], port: 0 }] = scraped[0]?.dns_sd_configs ?? [];
    for (const [, { networks, environment }] of workers) {
      expect(networks?.default?.aliases).toEqual(names);
      expect(environment).toMatchObject({
        HOLDFAST_METRICS_PORT: String(port),
        HOLDFAST_METRICS_HOST: '0.0.0.0',
      });
    }
  });
});
