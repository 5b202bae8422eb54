/**
 * Stands in for the CLI where only the handling of processes is under test: says ready, tells its
 * environment, and ends as argv asks. `paper` answers the one call that the stack makes.
 */
import { createServer } from 'node:http';
import { setInterval } from 'node:timers';
import { register } from 'tsx/esm/api';

register();
const { exitWithParent, onStopSignal } = await import('../../src/embedded/parent-link.ts');
exitWithParent();

const [command, ...args] = process.argv.slice(2);
const say = (line) => console.log(JSON.stringify(line));
const valueOf = (name) => args[args.indexOf(name) + 1];

onStopSignal((signal) => {
  say({ event: 'stopping', command, signal });
  if (command === 'stubborn') return;
  process.exit(0);
});

if (command === 'fail') {
  console.error('the disk is on fire');
  process.exit(3);
}
if (command === 'paper') {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    if (request.method === 'POST') say({ event: 'posted', url: request.url, body: JSON.parse(body) });
    response.end('{"keys":[{"key":"k-1","secret":"s-1"}]}');
  });
  await new Promise((resolve) => server.listen(Number(valueOf('--port')), '127.0.0.1', resolve));
}
setInterval(() => undefined, 60_000);
if (command !== 'mute') {
  const names = Object.keys(process.env).filter((name) => /^(TEMPORAL|DATABASE|KRAKEN|HOLDFAST)_/.test(name));
  say({
    event: 'environment',
    args,
    env: Object.fromEntries(names.map((name) => [name, process.env[name]])),
  });
  console.log('not JSON at all');
  say({ event: 'ready', pid: process.pid });
}
