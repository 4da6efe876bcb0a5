import { ByteReader } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { guidText } from './guid.ts';

/** EFI_SIGNATURE_DATA with the type of the list it stands in (UEFI specification, section 32.4.1). */
export interface SignatureEntry {
  readonly type: SignatureType | 'other';
  /** Text of the owner's GUID. */
  readonly owner: string;
  /** A certificate in DER, or a digest. */
  readonly data: Uint8Array;
}

export type SignatureType = (typeof TYPES)[keyof typeof TYPES]['name'];

const TYPES = {
  'a5c059a1-94e4-4aa7-87b5-ab155c2bf072': { name: 'x509', size: undefined },
  'c1c41626-504c-4092-aca9-41f936934328': { name: 'sha256', size: 32 },
  'ff3e5307-9fd0-48c9-85f1-8ad56c701e01': { name: 'sha384', size: 48 },
  '093e0fae-a6c4-4f50-9f1b-d41e2b89c19a': { name: 'sha512', size: 64 },
  '826ca512-cf10-4ac9-b187-be01496631bd': { name: 'sha1', size: 20 },
  '3c5766e8-269c-4e34-aa14-ed776e85b3b6': { name: 'rsa2048', size: 256 },
  '3bd2a492-96c0-4079-b420-fcf98ef103ed': { name: 'x509-sha256', size: 48 },
} as const;

const LIST_HEAD = 28;
const OWNER = 16;

function isKnown(guid: string): guid is keyof typeof TYPES {
  return Object.hasOwn(TYPES, guid);
}

/** The entries of a db, dbx, PK, KEK or MokList variable. @throws FormatError EVENTLOG-DATA, BYTES-* */
export function parseSignatureLists(bytes: Uint8Array): SignatureEntry[] {
  const reader = new ByteReader(bytes, 'signature list', { littleEndian: true });
  const entries: SignatureEntry[] = [];
  while (reader.remaining > 0) {
    for (const entry of readList(reader)) entries.push(entry);
  }
  return entries;
}

function readList(reader: ByteReader): SignatureEntry[] {
  const { offset } = reader;
  const guid = guidText(reader.take(16, 'SignatureType'));
  const listSize = reader.u32('SignatureListSize');
  const headerSize = reader.u32('SignatureHeaderSize');
  const size = reader.u32('SignatureSize');
  const known = isKnown(guid) ? TYPES[guid] : undefined;
  const room = listSize - LIST_HEAD - headerSize;
  const fits = known?.size === undefined || size === known.size + OWNER;
  if (room < 0 || size <= OWNER || room % size !== 0 || !fits) {
    throw new FormatError(
      'EVENTLOG-DATA',
      `signature list at offset ${offset}: ${listSize} bytes in steps of ${size}`,
      {
        offset,
      },
    );
  }
  reader.take(headerSize, 'SignatureHeader');
  const body = reader.take(room, 'Signatures');
  return Array.from({ length: room / size }, (_, index) => entryOf(body.subarray(index * size), size, known?.name));
}

function entryOf(bytes: Uint8Array, size: number, type: SignatureType | undefined): SignatureEntry {
  return { type: type ?? 'other', owner: guidText(bytes), data: bytes.subarray(OWNER, size) };
}
