import { concat, utf8 } from '@assay/core/bytes';

/** A file, directory or device of an initial RAM file system. */
export interface CpioEntry {
  /** Relative to the root, without a leading slash. */
  readonly path: string;
  /** File type and permissions as in `st_mode`, such as 0o100755. */
  readonly mode: number;
  readonly data?: Uint8Array;
}

const NAME_END = 'TRAILER!!!';
const LARGEST = 0xff_ff_ff_ff;

/**
 * An archive in the form `newc`, which the kernel unpacks (Documentation/driver-api/early-userspace/buffer-format.rst):
 * owner root, times zero, so that equal entries give equal bytes. Directories stand before what they hold.
 */
export function writeCpio(entries: readonly CpioEntry[]): Uint8Array {
  const records = entries.map((entry, index) => record(entry, index + 1));
  return concat([...records, record({ path: NAME_END, mode: 0 }, 0)]);
}

function record({ path, mode, data = new Uint8Array() }: CpioEntry, inode: number): Uint8Array {
  const name = utf8(`${path}\0`);
  if (path.startsWith('/') || path.includes('\0')) throw new RangeError(`no name for an archive: ${path}`);
  if (data.length > LARGEST) throw new RangeError(`${path} is over the 4 GiB of a file in such an archive`);
  const links = mode === 0 || isFile(mode) ? 1 : 2;
  const fields = [inode, mode, 0, 0, links, 0, data.length, 0, 0, 0, 0, name.length, 0];
  const header = utf8(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  return concat([padded(concat([header, name])), padded(data)]);
}

function isFile(mode: number): boolean {
  return (mode & 0o170000) === 0o100000;
}

function padded(bytes: Uint8Array): Uint8Array {
  return concat([bytes, new Uint8Array((4 - (bytes.length % 4)) % 4)]);
}
