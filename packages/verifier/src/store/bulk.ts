import { concat } from '@assay/core/bytes';

/** The only parameter of a statement that SQLite runs for each of many rows: in one of many rows it would bind them all. */
export class EachRow {
  readonly rows: readonly (readonly unknown[])[];

  constructor(rows: readonly (readonly unknown[])[]) {
    this.rows = rows;
  }
}

/** Many values of bytes as parameters for PostgreSQL: in an array, each would go as text of twice its length. */
export class Packed {
  readonly bytes: Uint8Array;
  readonly lengths: readonly number[];
  /** Where each begins in the bytes, from 1. */
  readonly starts: number[] = [];

  constructor(values: readonly Uint8Array[]) {
    this.bytes = Buffer.from(concat(values).buffer);
    this.lengths = values.map(({ length }) => length);
    let start = 1;
    for (const length of this.lengths) {
      this.starts.push(start);
      start += length;
    }
  }
}
