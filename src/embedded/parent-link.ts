/** What a child of `holdfast up` does about its parent; nothing in a process that was started by hand. */

const isSupervised = (): boolean => process.send !== undefined;

/**
 * Ends this process at once when its parent has gone, however that died: a worker that outlived `up` would
 * trade beside the next one. Call it first thing; it doesn't keep the process alive.
 */
export function exitWithParent(): void {
  if (!isSupervised()) return;
  if (!process.connected) process.exit(1);
  process.once('disconnect', () => process.exit(1));
  process.channel?.unref();
  // The parent stops its children itself, in order, when a Ctrl-C reaches the whole process group.
  process.on('SIGINT', () => undefined);
}

/**
 * Calls `stop` once, on SIGTERM or SIGINT; on SIGTERM alone in a child of `up`.
 */
export function onStopSignal(stop: (signal: NodeJS.Signals) => void): void {
  let stopping = false;
  const once = (signal: NodeJS.Signals) => {
    if (stopping) return;
    stopping = true;
    stop(signal);
  };
  process.on('SIGTERM', once);
  if (!isSupervised()) process.on('SIGINT', once);
}
