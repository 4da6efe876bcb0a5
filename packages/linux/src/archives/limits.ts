import { FormatError } from '@assay/core/errors';

/** What no real archive has. */
const MOST_MEMBERS = 4_000_000;
const MOST_BYTES = 256 * 1024 ** 3;
const LONGEST_PATH = 4096;
/** Beyond so many bytes, an archive must not be this many times larger than its compressed form. */
const FREE_BYTES = 64 * 1024 ** 2;
const MOST_RATIO = 2000;

/** Counts what comes out of an archive against what went in. */
export class ArchiveMeter {
  #members = 0;
  #packed = 0;
  #unpacked = 0;

  packed(bytes: number): void {
    this.#packed += bytes;
  }

  /** @throws FormatError ARCHIVE-LIMIT */
  unpacked(bytes: number): void {
    this.#unpacked += bytes;
    if (this.#unpacked > MOST_BYTES) throw limit(`it unpacks to more than ${MOST_BYTES} bytes`);
    if (this.#unpacked > FREE_BYTES && this.#unpacked > MOST_RATIO * this.#packed) {
      throw limit(`it unpacks to more than ${MOST_RATIO} times its size`);
    }
  }

  /** @throws FormatError ARCHIVE-LIMIT */
  member(): void {
    this.#members += 1;
    if (this.#members > MOST_MEMBERS) throw limit(`it has more than ${MOST_MEMBERS} members`);
  }
}

/**
 * The absolute path of a member: `./usr/bin/a`, `usr/bin/a` and `/usr/bin/a` are the same.
 * @throws FormatError ARCHIVE-FORM for one that leads out of the archive, ARCHIVE-LIMIT
 */
export function memberPath(name: string): string {
  if (name.length > LONGEST_PATH) throw limit(`a name has more than ${LONGEST_PATH} characters`);
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || name.includes('\0')) {
    throw new FormatError('ARCHIVE-FORM', `a member leads out of the archive: ${JSON.stringify(name.slice(0, 200))}`);
  }
  return `/${parts.join('/')}`;
}

function limit(what: string): FormatError {
  return new FormatError('ARCHIVE-LIMIT', what);
}
