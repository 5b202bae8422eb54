/** A file that can't be used as it is. The message names the file, the line where there is one, and what is allowed. */
export class DataError extends Error {
  override readonly name = 'DataError';
}

export function lineError(file: string, line: number, what: string): DataError {
  return new DataError(`${file} line ${line}: ${what}`);
}
