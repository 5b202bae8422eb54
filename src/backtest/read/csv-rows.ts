import { lineError, DataError } from '../data-error.ts';
import { fieldText } from './number-field.ts';

const NEWLINE = 10;
const RETURN = 13;
const COMMA = 44;
const MOST_FIELDS = 16;

/** A file cut into rows, its fields found but not yet read: a year of minutes is half a million of them. */
export class CsvRows {
  readonly file: string;
  readonly bytes: Uint8Array;
  /** Names of the columns in lower case, from the header or as given. */
  readonly columns: readonly string[];
  /** Where fields begin in the row that was last visited; one more than there are fields. */
  readonly starts = new Int32Array(MOST_FIELDS + 1);
  #fields = 0;
  #line = 0;
  #next = 0;

  /** `columnsWithout` gives the columns of a file without header by their number. */
  constructor(file: string, bytes: Uint8Array, columnsWithout: (count: number) => readonly string[]) {
    this.file = file;
    this.bytes = bytes;
    // A byte order mark that spreadsheets leave.
    if (bytes[0] === 0xef && bytes[1] === 0xbb) this.#next = 3;
    const first = this.#next;
    if (!this.advance()) throw new DataError(`${file} is empty: it holds no row`);
    const names = Array.from({ length: this.#fields }, (_, field) => this.text(field).toLowerCase());
    const isHeader = /^[a-z"_]/.test(names[0] ?? '');
    if (isHeader) {
      this.columns = names.map((name) => name.replace(/"/g, ''));
    } else {
      this.columns = columnsWithout(names.length);
      this.#next = first;
      this.#line = 0;
    }
  }

  /** The line of the row last visited, 1 at first. */
  get line(): number {
    return this.#line;
  }

  get fields(): number {
    return this.#fields;
  }

  /** Goes to the next row that isn't blank; false at the end. */
  advance(): boolean {
    const { bytes, starts } = this;
    while (this.#next < bytes.length) {
      const from = this.#next;
      let fields = 1;
      starts[0] = from;
      let at = from;
      for (; at < bytes.length && bytes[at] !== NEWLINE; at += 1) {
        if (bytes[at] !== COMMA) continue;
        if (fields < MOST_FIELDS) starts[fields] = at + 1;
        fields += 1;
      }
      this.#next = at + 1;
      this.#line += 1;
      const end = at > from && bytes[at - 1] === RETURN ? at - 1 : at;
      if (end === from) continue;
      if (fields > MOST_FIELDS)
        throw lineError(this.file, this.#line, `${fields} fields, at most ${MOST_FIELDS} are read`);
      starts[fields] = end + 1;
      this.#fields = fields;
      return true;
    }
    return false;
  }

  /** Where a field begins, and where it ends. */
  from(field: number): number {
    return this.starts[field] ?? 0;
  }

  to(field: number): number {
    return (this.starts[field + 1] ?? 1) - 1;
  }

  text(field: number): string {
    return fieldText(this.bytes, this.from(field), this.to(field));
  }

  /** Where the column stands; throws with the names that would do. */
  column(...names: readonly string[]): number {
    const found = this.columns.findIndex((column) => names.includes(column));
    if (found < 0) {
      const have = this.columns.join(', ');
      throw new DataError(`${this.file} has no column ${names.join(' or ')}: its columns are ${have}`);
    }
    return found;
  }

  /** The same where the column may be missing: -1 then. */
  columnIfAny(...names: readonly string[]): number {
    return this.columns.findIndex((column) => names.includes(column));
  }
}
