import { FormatError } from '@assay/core/errors';
import { hashAlgorithm, type HashName } from '@assay/core/hash';
import {
  asciiBankOf,
  byteOrderOf,
  hasRightDigest,
  parseAsciiList,
  parseBinaryList,
  type ByteOrder,
  type MeasurementEntry,
} from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { boundedContent } from './bounded-file.ts';

export interface ListFile {
  readonly format: 'binary' | 'ascii';
  readonly bank: HashName;
  readonly entries: readonly MeasurementEntry[];
}

type Bank = 'sha1' | 'sha256' | 'sha384' | 'sha512';
const BANKS: readonly Bank[] = ['sha256', 'sha1', 'sha384', 'sha512'];
const SIZE_LIMIT = 1024 ** 3;
/** Longer than a first record. */
const HEAD = 1024 * 1024;

export interface ListOptions {
  readonly bank?: Bank | undefined;
  readonly imaHash?: 'sha1' | 'md5' | undefined;
}

/**
 * Reads a binary or an ascii list. The bank of a binary one is the one given, else that of the file name's suffix, else
 * the one in which the first entry's template digest is right; that of an ascii one shows in its digests.
 * @throws FormatError
 */
export async function readListFile(path: string, options: ListOptions): Promise<ListFile> {
  const bytes = await boundedContent(path, SIZE_LIMIT);
  if (bytes.length === 0)
    throw new FormatError('LIST-EMPTY', `${path} is empty; every list begins with boot_aggregate`);
  const shown = asciiBankOf(bytes);
  if (shown !== undefined) return { format: 'ascii', bank: shown, entries: parseAsciiList(bytes, { bank: shown }) };
  const named = BANKS.find((candidate) => path.endsWith(`_${candidate}`));
  const bank = options.bank ?? named ?? bankOfFirstEntry(bytes) ?? 'sha1';
  const imaHash = options.imaHash ?? 'sha1';
  const { entries } = parseBinaryList(bytes, { bank, imaHash, byteOrder: byteOrderOf(bytes, bank) });
  return { format: 'binary', bank, entries };
}

function bankOfFirstEntry(bytes: Buffer): Bank | undefined {
  return BANKS.find((bank) => {
    const byteOrder = byteOrderOf(bytes, bank);
    try {
      const head = firstRecord(bytes.subarray(0, HEAD), bank, byteOrder);
      const [first] = parseBinaryList(head, { bank, byteOrder }).entries;
      return first !== undefined && hasRightDigest(nodeHasher, bank, first);
    } catch (error) {
      if (error instanceof FormatError) return false;
      throw error;
    }
  });
}

/** The bytes of the first record, by the lengths that it has where a list of this bank has them. */
function firstRecord(bytes: Buffer, bank: Bank, byteOrder: ByteOrder): Uint8Array {
  const length = (offset: number): number => {
    if (bytes.length < offset + 4) return 0;
    return byteOrder === 'little' ? bytes.readUInt32LE(offset) : bytes.readUInt32BE(offset);
  };
  const name = 4 + hashAlgorithm(bank).size;
  const afterName = name + 4 + length(name);
  if (bytes.subarray(name + 4, afterName).toString('latin1') !== 'ima')
    return bytes.subarray(0, afterName + 4 + length(afterName));
  const afterDigest = afterName + 20;
  return bytes.subarray(0, afterDigest + 4 + length(afterDigest));
}
