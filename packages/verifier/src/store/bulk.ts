import { concat } from '@assay/core/bytes';
import { sql, type RawBuilder, type SqlBool } from 'kysely';
import { isPostgres } from './locks.ts';
import type { Database } from './schema.ts';

/** `column in (…)` with one parameter: a statement of one shape, whatever the number of values, stays prepared. */
export function among(db: Database, column: string, values: readonly string[]): RawBuilder<SqlBool> {
  return isPostgres(db)
    ? sql`${sql.ref(column)} = any(${values}::text[])`
    : sql`${sql.ref(column)} in (select value from json_each(${JSON.stringify(values)}))`;
}

/** The only parameter of a statement that SQLite runs for each of many rows: in one of many rows it would bind them all. */
export class EachRow {
  readonly rows: readonly (readonly unknown[])[];

  constructor(rows: readonly (readonly unknown[])[]) {
    this.rows = rows;
  }
}

/** Whole numbers as the text of an array of PostgreSQL, which its client would write one by one and eight times as slowly. */
export function integers(numbers: readonly number[]): string {
  return `{${numbers.join(',')}}`;
}

/** Many values of bytes as parameters for PostgreSQL: in an array, each would go as text of twice its length. */
export class Packed {
  readonly bytes: Uint8Array;
  readonly lengths: string;
  /** Where each begins in the bytes, from 1. */
  readonly starts: string;

  constructor(values: readonly Uint8Array[]) {
    this.bytes = Buffer.from(concat(values).buffer);
    this.lengths = integers(values.map(({ length }) => length));
    let start = 1;
    this.starts = integers(values.map(({ length }) => (start += length) - length));
  }
}
