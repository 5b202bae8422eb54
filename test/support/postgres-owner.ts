import { startPostgres } from '../../src/embedded/postgres.ts';

/** A process to be killed: starts a server, prints its process id and waits. */
const [dataDir = '', port = ''] = process.argv.slice(2);
const server = await startPostgres({
  dataDir,
  port: Number(port),
  log: () => undefined,
  settings: { fsync: 'off' },
});
console.log(server.pid);
setInterval(() => undefined, 60_000);
