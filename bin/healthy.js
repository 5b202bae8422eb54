#!/usr/bin/env node
// Ends with 0 if a URL answers with a status of 200, else with 1 and what it said: for health checks of containers,
// whose image needs no other program for it.
const [url = 'http://127.0.0.1:9464/healthz'] = process.argv.slice(2);
try {
  const response = await fetch(url, { signal: AbortSignal.timeout(4_500) });
  if (response.status !== 200) {
    console.error(`${url} answered ${response.status}: ${(await response.text()).slice(0, 500)}`);
    process.exitCode = 1;
  }
} catch (error) {
  console.error(`${url} does not answer: ${error.cause?.message ?? error.message}`);
  process.exitCode = 1;
}
