import { FormatError } from '@assay/core/errors';
import type { HashName } from '@assay/core/hash';
import { firstForgedDigest, parseBinaryList, type MeasurementEntry } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { boundedContent } from './bounded-file.ts';

export interface ListFile {
  readonly bank: HashName;
  readonly entries: readonly MeasurementEntry[];
}

type Bank = 'sha1' | 'sha256' | 'sha384' | 'sha512';
const BANKS: readonly Bank[] = ['sha256', 'sha1', 'sha384', 'sha512'];
const SIZE_LIMIT = 1024 ** 3;
/** Longer than a first record. */
const HEAD = 1024 * 1024;

/**
 * Reads a binary list. Its bank is the one given, else that of the file name's suffix, else the one in which the first
 * entry's template digest is right.
 * @throws FormatError
 */
export async function readListFile(path: string, bank: Bank | undefined): Promise<ListFile> {
  const bytes = await boundedContent(path, SIZE_LIMIT);
  if (bytes.length === 0)
    throw new FormatError('LIST-EMPTY', `${path} is empty; every list begins with boot_aggregate`);
  if (/^[ 0-9]\d [0-9a-f]{32}/.test(bytes.subarray(0, 64).toString('latin1'))) {
    throw new FormatError('LIST-ASCII', `${path} is an ascii list`);
  }
  const named = BANKS.find((candidate) => path.endsWith(`_${candidate}`));
  const chosen = bank ?? named ?? bankOfFirstEntry(bytes) ?? 'sha1';
  return { bank: chosen, entries: parseBinaryList(bytes, { bank: chosen }).entries };
}

function bankOfFirstEntry(bytes: Buffer): Bank | undefined {
  return BANKS.find((bank) => {
    try {
      const head = bytes.subarray(0, HEAD);
      const [first] = parseBinaryList(firstRecord(head, bank), { bank }).entries;
      return first !== undefined && firstForgedDigest(nodeHasher, bank, [first]) === undefined;
    } catch (error) {
      if (error instanceof FormatError) return false;
      throw error;
    }
  });
}

/** The bytes of the first record, by the lengths that it has where a list of this bank has them. */
function firstRecord(bytes: Buffer, bank: Bank): Uint8Array {
  const nameLength = 4 + { sha1: 20, sha256: 32, sha384: 48, sha512: 64 }[bank];
  const dataLength = nameLength + 4 + (bytes.length >= nameLength + 4 ? bytes.readUInt32LE(nameLength) : 0);
  const end = dataLength + 4 + (bytes.length >= dataLength + 4 ? bytes.readUInt32LE(dataLength) : 0);
  return bytes.subarray(0, end);
}
