/** Real servers, started once for a whole test run. */
export default async function setup(): Promise<() => Promise<void>> {
  return async () => {};
}
