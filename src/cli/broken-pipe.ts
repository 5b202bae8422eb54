/**
 * A reader that has seen enough (`| head`) ends no command and is no error: what it doesn't read is dropped. A stack
 * that runs for days must not stop because its terminal's pager did.
 */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => giveUp(stream, error));
}

function giveUp(stream: NodeJS.WriteStream, error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') return;
  process.exitCode = 1;
  if (stream === process.stdout) {
    process.stderr.write(`holdfast: the output can't be written: ${error.code ?? error.message}\n`);
  }
}
