import { ByteReader, printable } from '@assay/core/bytes';
import { Failure } from './run.ts';
import { PCR_COUNT } from './pcrs.ts';

const DIGEST_SIZE = 20;
const LONGEST_NAME = 255;
const LONGEST_DATA = 4096;
const HEADER_SIZE = 28;

/** A record of the kernel's list with SHA-1 digests. */
export interface ListRecord {
  readonly pcr: number;
  readonly digest: Uint8Array;
  readonly template: string;
  /** What the digest is of. */
  readonly data: Uint8Array;
}

/**
 * The records one by one, within the bounds of evmctl: another list than that of SHA-1 does not fit into them.
 * @throws Failure with the messages of evmctl
 */
export function* listRecords(bytes: Uint8Array): Generator<ListRecord> {
  const reader = new ByteReader(bytes, 'measurement list', { littleEndian: true });
  let first: string | undefined;
  while (reader.remaining > 0) {
    need(reader, HEADER_SIZE, 'Unable to read template name');
    const pcr = reader.u32('PCR');
    if (pcr >= PCR_COUNT) throw new Failure(`Invalid PCR ${pcr}.`, 1);
    const digest = reader.take(DIGEST_SIZE, 'digest');
    const nameLength = reader.u32('length of the name');
    if (nameLength > LONGEST_NAME) throw new Failure(`${nameLength} ERROR: event name too long!`, 1);
    need(reader, Math.max(nameLength, 1), 'Unable to read template name');
    const template = printable(reader.take(nameLength, 'name'));
    first ??= template;
    if ((first === 'ima') !== (template === 'ima')) {
      throw new Failure('Mixed measurement list containing "ima" and other template formats not supported.', 1);
    }
    yield { pcr, digest, template, data: template === 'ima' ? readOldData(reader) : readData(reader) };
  }
}

function readData(reader: ByteReader): Uint8Array {
  need(reader, 4, 'Unable to read template length');
  const length = reader.u32('length of the data');
  if (length === 0 || length > LONGEST_DATA) throw new Failure('Invalid template data len', 1);
  need(reader, length, 'Unable to read template');
  return reader.take(length, 'data');
}

/** Of the template `ima`: the digest of the file and its name, padded with zeros before they are hashed. */
function readOldData(reader: ByteReader): Uint8Array {
  need(reader, DIGEST_SIZE, 'Unable to read file data hash');
  const data = new Uint8Array(DIGEST_SIZE + LONGEST_NAME + 1);
  data.set(reader.take(DIGEST_SIZE, 'file digest'));
  need(reader, 4, 'Failed reading file name length');
  const length = reader.u32('length of the file name');
  if (length > LONGEST_NAME) throw new Failure('file pathname is too long', 1);
  need(reader, Math.max(length, 1), 'Failed reading file name');
  data.set(reader.take(length, 'file name'), DIGEST_SIZE);
  return data;
}

/** A list that ends within a record cannot be verified: status 1, where evmctl ends with 0. */
function need(reader: ByteReader, length: number, message: string): void {
  if (reader.remaining < length) throw new Failure(message, 1);
}
