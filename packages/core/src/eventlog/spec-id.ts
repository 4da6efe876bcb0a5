import { ByteReader, utf8 } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { hashAlgorithm, HASH_NAMES, type HashName } from '../hash/index.ts';
import type { DeclaredAlgorithm, SpecId } from './types.ts';

const SIGNATURE = utf8('Spec ID Event03\0');
/** More banks than any TPM has. */
const ALGORITHM_LIMIT = 16;
/** Larger than every digest in the TCG algorithm registry. */
const DIGEST_LIMIT = 128;

/** Whether the data of a first EV_NO_ACTION say that the rest of the log is crypto-agile. */
export function isSpecId(data: Uint8Array): boolean {
  return SIGNATURE.every((byte, index) => data[index] === byte);
}

/** @throws FormatError EVENTLOG-SPEC-ID, BYTES-* */
export function parseSpecId(data: Uint8Array): SpecId {
  const reader = new ByteReader(data, 'Spec ID event', { littleEndian: true, offset: SIGNATURE.length });
  const platformClass = reader.u32('platformClass');
  const minor = reader.u8('specVersionMinor');
  const major = reader.u8('specVersionMajor');
  const errata = reader.u8('specErrata');
  const uintnSize = reader.u8('uintnSize');
  const count = reader.length32('numberOfAlgorithms', ALGORITHM_LIMIT);
  const algorithms = Array.from({ length: count }, () => readAlgorithm(reader));
  if (count === 0) throw refused('numberOfAlgorithms is 0');
  if (new Set(algorithms.map(({ id }) => id)).size !== count) throw refused('an algorithm is declared twice');
  const vendorInfo = reader.take(reader.u8('vendorInfoSize'), 'vendorInfo');
  reader.end();
  return { platformClass, version: [major, minor, errata], uintnSize, algorithms, vendorInfo };
}

function readAlgorithm(reader: ByteReader): DeclaredAlgorithm {
  const id = reader.u16('algorithmId');
  const digestSize = reader.length16('digestSize', DIGEST_LIMIT);
  const name = hashNameOf(id);
  const expected = name === undefined ? digestSize : hashAlgorithm(name).size;
  if (digestSize !== expected || digestSize === 0) {
    throw refused(`algorithm 0x${id.toString(16)} is declared with a digest of ${digestSize} bytes`);
  }
  return name === undefined ? { id, digestSize } : { id, digestSize, name };
}

function hashNameOf(tpmId: number): HashName | undefined {
  return HASH_NAMES.find((name) => hashAlgorithm(name).tpmId === tpmId);
}

function refused(why: string): FormatError {
  return new FormatError('EVENTLOG-SPEC-ID', `Spec ID event: ${why}`);
}
