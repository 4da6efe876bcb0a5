import { FormatError } from '@assay/core/errors';

/** One line of /proc/self/mountinfo (proc_pid_mountinfo(5); fs/proc_namespace.c, show_mountinfo). */
export interface Mount {
  readonly id: number;
  readonly parentId: number;
  /** `major:minor` of the file system; the same for all mounts of one. */
  readonly device: string;
  /** Bytes of the path where it is mounted, not necessarily UTF-8. */
  readonly mountPoint: Buffer;
  /** Options of this mount, such as `ro` and `noexec`. */
  readonly options: readonly string[];
  /** Type of the file system, such as `ext4` or `fuse.sshfs`. */
  readonly type: string;
  /** What was mounted, such as `/dev/sda1`; for many types any text. */
  readonly source: string;
  /** Options of the file system, such as `ro`. */
  readonly superOptions: readonly string[];
}

/** Far over what a machine with thousands of containers has. */
const LENGTH_LIMIT = 64 * 1024 * 1024;
const NEWLINE = 0x0a;

/** @throws FormatError MOUNT-LINE, BYTES-LIMIT */
export function parseMountInfo(bytes: Uint8Array): Mount[] {
  if (bytes.length > LENGTH_LIMIT) throw new FormatError('BYTES-LIMIT', `mountinfo has ${bytes.length} bytes`);
  if (bytes.length > 0 && bytes.at(-1) !== NEWLINE) throw badLine(0, 'the last line has no end');
  // One character per byte, so that names which are not UTF-8 survive.
  const lines = Buffer.from(bytes).toString('latin1').split('\n').slice(0, -1);
  return lines.map((line, index) => parseLine(line, index + 1));
}

function parseLine(line: string, number: number): Mount {
  const fields = line.split(' ');
  const separator = fields.indexOf('-', 6);
  if (separator < 0) throw badLine(number, 'has no separator');
  const [id = '', parentId = '', device = '', , mountPoint = '', options = ''] = fields;
  const [type = '', ...rest] = fields.slice(separator + 1);
  const [source = '', superOptions = ''] = rest;
  if (rest.length !== 2 || type === '') throw badLine(number, 'does not end in type, source and options');
  if (!/^\d{1,10}:\d{1,10}$/.test(device)) throw badLine(number, 'has no device number');
  return {
    id: decimal(id, number),
    parentId: decimal(parentId, number),
    device,
    mountPoint: unescape(mountPoint, number),
    options: options.split(','),
    type: unescape(type, number).toString('latin1'),
    source: unescape(source, number).toString('latin1'),
    superOptions: superOptions.split(','),
  };
}

function decimal(text: string, line: number): number {
  if (!/^\d{1,10}$/.test(text)) throw badLine(line, 'has an id that is no number');
  return Number(text);
}

/** The kernel writes blanks, backslashes and `#` of names as three octal digits (seq_path, mangle_path). */
function unescape(text: string, line: number): Buffer {
  if (/\\(?![0-3][0-7]{2})/.test(text)) throw badLine(line, 'has a backslash that begins no octal number');
  const raw = text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return Buffer.from(raw, 'latin1');
}

function badLine(line: number, what: string): FormatError {
  return new FormatError('MOUNT-LINE', `mountinfo line ${line} ${what}`, { line });
}
