import { startPaperExchange, type PaperExchangeOptions } from '../../src/exchange/paper/server.ts';

/** A paper exchange as a process of its own, to be killed. Options come as JSON; prints one line when ready. */
const options = JSON.parse(process.argv[2] ?? '{}') as PaperExchangeOptions;
const { url, wsUrl, key, secret } = await startPaperExchange(options);
process.stdout.write(`${JSON.stringify({ url, wsUrl, key, secret })}\n`);
