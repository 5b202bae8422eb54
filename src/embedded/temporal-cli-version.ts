import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** The Go module that pins the Temporal CLI and everything it is built from. */
export const temporalToolsDir = fileURLToPath(new URL('../../tools/temporal/', import.meta.url));

/** The pinned version without its `v`, read from the go.mod, the only place that names it. */
export async function pinnedTemporalCliVersion(): Promise<string> {
  const text = await readFile(`${temporalToolsDir}go.mod`, 'utf8');
  const version = /^\s*(?:require\s+)?github\.com\/temporalio\/cli v(\S+)/m.exec(text)?.[1];
  if (version === undefined) throw new Error('tools/temporal/go.mod does not require the Temporal CLI');
  return version;
}
