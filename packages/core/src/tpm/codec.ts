import { ByteReader, ByteWriter } from '../bytes/index.ts';
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

/** A word for people that takes no bytes: what kind of structure its fields are. */
export function tagged<T extends string>(kind: T): Codec<T> {
  return { read: () => kind, write: () => undefined };
}

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

/** TPM2B around a structure: its size must be that of the structure, to the byte. */
export function sizedStructure<T>(inner: Codec<T>, limit: number): Codec<T> {
  return {
    read(r, field) {
      const start = r.offset + 2;
      const bytes = r.take(r.length16(field, limit), field);
      const whole = new ByteReader(r.bytes.subarray(0, start + bytes.length), field, { offset: start });
      try {
        const value = inner.read(whole, '');
        whole.end();
        return value;
      } catch (error) {
        throw inField(field, error);
      }
    },
    write: (w, value) => sized(limit).write(w, encode(inner, value)),
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
    read(r, field) {
      const count = r.length32(field, limit);
      const items: T[] = [];
      try {
        while (items.length < count) items.push(item.read(r, ''));
      } catch (error) {
        throw inField(`${field}[${items.length}]`, error);
      }
      return items;
    },
    write(w, values) {
      if (values.length > limit) throw new FormatError('BYTES-LIMIT', `${values.length} items, over ${limit}`);
      w.u32(values.length);
      for (const value of values) item.write(w, value);
    },
  };
}

/** Fields one after another. An error in one of them names the path to it. */
export function record<F extends Fields>(fields: F): Codec<Values<F>> {
  const entries = Object.entries(fields);
  return {
    read(r, field) {
      const values: Record<string, unknown> = {};
      try {
        for (const [name, codec] of entries) values[name] = codec.read(r, name);
      } catch (error) {
        throw inField(field, error);
      }
      // oxlint-disable-next-line no-unsafe-type-assertion -- each name of F was just read by its own codec, in a loop
      return values as Values<F>;
    },
    write(w, values) {
      for (const [name, codec] of entries) codec.write(w, values[name]);
    },
  };
}

/** The same error, its place inside `field`. */
function inField(field: string, error: unknown): unknown {
  if (field === '' || !(error instanceof FormatError)) return error;
  const { field: inner = '' } = error.place;
  const path = inner === '' ? field : inner.startsWith('[') ? `${field}${inner}` : `${field}.${inner}`;
  return new FormatError(error.code, error.message, { ...error.place, field: path });
}

/** The bytes of one value. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  codec.write(writer, value);
  return writer.finish();
}

/**
 * The one value that these bytes are.
 * @param structure its name, for error messages
 * @throws FormatError with the offset and the path of the field
 */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array, structure: string): T {
  const reader = new ByteReader(bytes, structure);
  const value = codec.read(reader, '');
  reader.end();
  return value;
}
