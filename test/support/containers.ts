import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import type { ComposeService } from './compose.ts';
import type { Image } from './image.ts';
import { freePort } from './port-base.ts';

const HOSTS = fileURLToPath(new URL('./container-hosts.js', import.meta.url));
/** Of the file's own ports, each gets a free one of this machine, per service. */
const PORTS = /\b(7232|7235|9464|9465)\b/g;
const HEALTHY_WITHIN_MS = 120_000;
const COMMAND_WITHIN_MS = 120_000;
/** Nobody of consequence: neither root nor the owner of any file. */
const NOBODY = { uid: 65_534, gid: 65_534 };

export interface Finished {
  readonly code: number;
  readonly output: string;
}

/** Runs services of the compose file as processes that stand for containers: its commands, variables and health checks. */
export class Containers {
  readonly #image: Image;
  readonly #scratch: string;
  readonly #temporalAddress: string;
  readonly #temporalNamespace: string;
  readonly #ports = new Map<string, string>();
  readonly #running = new Map<
    string,
    { child: ChildProcess; ended: Promise<number | string>; said: string[] }
  >();

  constructor(options: {
    image: Image;
    scratch: string;
    temporalAddress: string;
    temporalNamespace: string;
  }) {
    this.#image = options.image;
    this.#scratch = options.scratch;
    this.#temporalAddress = options.temporalAddress;
    this.#temporalNamespace = options.temporalNamespace;
  }

  get secretsDir(): string {
    return path.join(this.#scratch, 'secrets');
  }

  /** Chooses the ports of a service; before any that names it. */
  async place(name: string): Promise<void> {
    for (const port of ['7232', '7235', '9464', '9465'])
      this.#ports.set(`${name}:${port}`, String(await freePort()));
    await mkdir(this.#dataDir(name), { recursive: true });
    await chmod(this.#dataDir(name), 0o777);
  }

  port(name: string, port: number): string {
    return this.#ports.get(`${name}:${port}`) ?? '';
  }

  start(name: string, service: ComposeService): void {
    const [program, ...args] = this.#command(name, service.command ?? []);
    const child = spawn(program, args, {
      ...this.#process(name, service),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said: string[] = [];
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => said.push(chunk.toString()));
    const ended = new Promise<number | string>((resolve) => {
      child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    });
    this.#running.set(name, { child, ended, said });
  }

  /** Until its health check says so. */
  async healthy(name: string, service: ComposeService): Promise<void> {
    const [kind, program = '', ...args] = service.healthcheck?.test ?? [''];
    if (kind !== 'CMD' || program !== 'node') throw new Error(`${name} has a health check of ${program}`);
    const words = args.map((word) => this.#here(name, word));
    const untilMs = Date.now() + HEALTHY_WITHIN_MS;
    for (;;) {
      const { code, output } = await this.#finish(process.execPath, words, name, service);
      if (code === 0) return;
      const { said = [], child } = this.#running.get(name) ?? {};
      if (Date.now() > untilMs || child?.exitCode !== null)
        throw new Error(`${name} is not healthy: ${output}${said.join('').slice(-3_000)}`);
      await delay(500);
    }
  }

  /** As `docker compose run --rm` does. */
  runOnce(name: string, service: ComposeService, ...args: string[]): Promise<Finished> {
    const [program, ...words] = this.#command(name, args);
    return this.#finish(program, words, name, service);
  }

  /** As `docker compose stop` does; the exit code. */
  async stop(name: string): Promise<number | string> {
    const running = this.#running.get(name);
    if (!running) throw new Error(`${name} does not run`);
    running.child.kill('SIGTERM');
    const ended = await Promise.race([running.ended, delay(30_000, 'still running', { ref: false })]);
    this.#running.delete(name);
    if (ended === 'still running') running.child.kill('SIGKILL');
    return ended;
  }

  /** The ends of their logs, for the reader of a failure. */
  lastWords(): string {
    const ends = [...this.#running].map(([name, { said }]) => `== ${name}\n${said.join('').slice(-3_000)}`);
    return ends.join('\n');
  }

  async stopAll(): Promise<void> {
    for (const name of [...this.#running.keys()].reverse()) await this.stop(name);
  }

  #command(name: string, args: readonly string[]): [string, ...string[]] {
    const [, ...script] = this.#image.entrypoint;
    return [process.execPath, ...[...script, ...args].map((word) => this.#here(name, word))];
  }

  #process(name: string, { environment = {} }: ComposeService) {
    const variables = { ...this.#image.environment, ...environment };
    const env: NodeJS.ProcessEnv = {
      HOME: this.#scratch,
      PATH: process.env.PATH,
      NODE_OPTIONS: `--import=${HOSTS}`,
    };
    for (const [variable, value] of Object.entries(variables)) env[variable] = this.#here(name, value);
    env.TEMPORAL_NAMESPACE = this.#temporalNamespace;
    return { env, cwd: this.#image.directory, ...(process.getuid?.() === 0 ? NOBODY : {}) };
  }

  #finish(program: string, args: string[], name: string, service: ComposeService): Promise<Finished> {
    const options = { ...this.#process(name, service), timeout: COMMAND_WITHIN_MS };
    return new Promise((resolve) => {
      execFile(program, args, options, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, output: code === 0 ? stdout : `${stdout}${stderr}` });
      });
    });
  }

  /** What a word of the compose file is on this machine. */
  #here(name: string, word: string): string {
    return word
      .replace('temporal:7233', this.#temporalAddress)
      .replaceAll('paper:7232', `paper:${this.port('paper', 7232)}`)
      .replaceAll(PORTS, (port) => this.#ports.get(`${name}:${port}`) ?? port)
      .replaceAll('/run/secrets', this.secretsDir)
      .replace(/^\/app\b/, this.#image.directory)
      .replace(/^\/data$/, this.#dataDir(name));
  }

  #dataDir(name: string): string {
    return path.join(this.#scratch, 'data', name);
  }

  async writeSecret(name: string, value: string): Promise<void> {
    await writeFile(path.join(this.secretsDir, name), `${value}\n`);
  }
}
