#!/usr/bin/env node
// Ends with 0 if an http URL answers with status 200, else with 1 and what is wrong: for health checks of containers,
// whose image needs no other program for it.
import { get } from 'node:http';

const [url = 'http://127.0.0.1:9464/healthz'] = process.argv.slice(2);
const PATIENCE_MS = 4_500;

const ailing = (why) => {
  console.error(`${url} ${why}`);
  process.exit(1);
};

const request = get(url, { timeout: PATIENCE_MS }, (response) => {
  response.resume();
  if (response.statusCode !== 200) ailing(`answered ${response.statusCode}`);
});
request.once('timeout', () => ailing(`did not answer within ${PATIENCE_MS} ms`));
request.once('error', (error) => ailing(`does not answer: ${error.message}`));
