import type { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from './temporal.ts';

/** Temporal's wire numbers of the two types in use. */
const INDEXED_VALUE_TYPE = { Keyword: 2, Double: 4 } as const;

/** Registers the search attributes of trades where they are missing; for servers that we did not start. */
export async function ensureSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = Object.entries(SEARCH_ATTRIBUTES).filter(([name]) => !(name in customAttributes));
  if (missing.length === 0) return;
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map(([name, type]) => [name, INDEXED_VALUE_TYPE[type]])),
  });
}
