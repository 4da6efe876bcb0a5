import { FormatError } from '../errors/index.ts';

/** Header of a member of a cpio archive in the form `newc` (cpio(5); kernel: Documentation/driver-api/early-userspace/buffer-format.rst). */
export interface CpioHeader {
  readonly mode: number;
  readonly links: number;
  /** Tells which members are one file. */
  readonly inode: string;
  /** Bytes. */
  readonly size: number;
  /** Bytes, with the NUL. */
  readonly nameSize: number;
}

export const CPIO_HEADER_SIZE = 110;
const LONGEST_NAME = 4096;
const FIELD = 8;
const MAGIC_SIZE = 6;

/** @param bytes exactly a header @throws FormatError ARCHIVE-FORM */
export function parseCpioHeader(bytes: Uint8Array): CpioHeader {
  const text = String.fromCharCode(...bytes);
  if (!/^07070[12][0-9a-fA-F]{104}$/.test(text))
    throw new FormatError('ARCHIVE-FORM', 'a member of the cpio archive has no header');
  const field = (at: number): number =>
    Number.parseInt(text.slice(MAGIC_SIZE + FIELD * at, MAGIC_SIZE + FIELD * (at + 1)), 16);
  const header = {
    inode: `${field(7)}:${field(8)}:${field(0)}`,
    mode: field(1),
    links: field(4),
    size: field(6),
    nameSize: field(11),
  };
  if (header.nameSize < 1 || header.nameSize > LONGEST_NAME)
    throw new FormatError('ARCHIVE-FORM', 'a name has no proper length');
  return header;
}
