import type { ByteReader } from '../bytes/index.ts';
import { ByteWriter } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';

/** One field of a TPM structure in both directions. All integers are big-endian (TPM 2.0 Part 1, clause 4). */
export interface Codec<T> {
  /** @throws FormatError where the bytes are not of this form. */
  read(reader: ByteReader, field: string): T;
  write(writer: ByteWriter, value: T): void;
}

export type Fields = Readonly<Record<string, Codec<unknown>>>;

/** The values of a set of fields, by name. */
export type Values<F extends Fields> = { readonly [K in keyof F]: F[K] extends Codec<infer T> ? T : never };

export const u8: Codec<number> = { read: (r, field) => r.u8(field), write: (w, value) => void w.u8(value) };
export const u16: Codec<number> = { read: (r, field) => r.u16(field), write: (w, value) => void w.u16(value) };
export const u32: Codec<number> = { read: (r, field) => r.u32(field), write: (w, value) => void w.u32(value) };
export const u64: Codec<bigint> = { read: (r, field) => r.u64(field), write: (w, value) => void w.u64(value) };

/** TPM2B: a size in two bytes, then so many bytes. The value is what follows the size. */
export function sized(limit: number): Codec<Uint8Array> {
  return {
    read: (r, field) => r.take(r.length16(field, limit), field),
    write(w, value) {
      if (value.length > limit)
        throw new FormatError('BYTES-LIMIT', `${value.length} bytes, over the limit of ${limit}`);
      w.u16(value.length).bytes(value);
    },
  };
}

/** TPM2B whose value is kept with its size, because callers pass it on as it is. */
export function sizedWhole(limit: number): Codec<Uint8Array> {
  return {
    read(r, field) {
      const start = r.offset;
      r.take(r.length16(field, limit), field);
      return r.bytes.subarray(start, r.offset);
    },
    write: (w, value) => void w.bytes(value),
  };
}

/** The bytes of a structure that has no size of its own; `codec` finds where it ends. */
export function verbatim(codec: Codec<unknown>): Codec<Uint8Array> {
  return {
    read(r, field) {
      const start = r.offset;
      codec.read(r, field);
      return r.bytes.subarray(start, r.offset);
    },
    write: (w, value) => void w.bytes(value),
  };
}

/** TPML: a count in four bytes, then so many items. */
export function listOf<T>(item: Codec<T>, limit: number): Codec<readonly T[]> {
  return {
    read: (r, field) => Array.from({ length: r.length32(`${field} count`, limit) }, () => item.read(r, field)),
    write(w, values) {
      w.u32(values.length);
      for (const value of values) item.write(w, value);
    },
  };
}

/** Fields one after another. */
export function record<F extends Fields>(fields: F): Codec<Values<F>> {
  return {
    read(r) {
      const values: Record<string, unknown> = {};
      for (const [name, codec] of Object.entries(fields)) values[name] = codec.read(r, name);
      // oxlint-disable-next-line no-unsafe-type-assertion -- each name of F was just read by its own codec, in a loop
      return values as Values<F>;
    },
    write(w, values) {
      for (const [name, codec] of Object.entries(fields)) codec.write(w, values[name]);
    },
  };
}

/** The bytes of one value. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  codec.write(writer, value);
  return writer.finish();
}
