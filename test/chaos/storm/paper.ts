import { readFileSync } from 'node:fs';
import { exitWithParent, onStopSignal } from '../../../src/embedded/parent-link.ts';
import { startPaperExchange, type PaperExchangeOptions } from '../../../src/exchange/paper/server.ts';
import { installClock } from './worker/clock.ts';

installClock();
exitWithParent();
const settings = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as PaperExchangeOptions;
const exchange = await startPaperExchange(settings);
onStopSignal(() => void exchange.close());
process.stdout.write(`${JSON.stringify({ event: 'ready', exchangeUrl: exchange.url })}\n`);
