import { FormatError } from '@assay/core/errors';

/** A line of /proc/keys (security/keys/proc.c, proc_keys_show). */
export interface ListedKey {
  readonly id: number;
  /** Until it expires, as the kernel rounds it, such as `4d`; `perm` where it never does, `expd` where it has. */
  readonly timeout: string;
  readonly uid: number;
  readonly type: string;
  /** Of a keyring its name and how many keys it holds, of a certificate its name, kind and key id. */
  readonly description: string;
}

const LINE = /^([0-9a-f]{8}) \S{7} +\d+ +(perm|expd|\d+[smhdw]) [0-9a-f]{8} +(-?\d+) +-?\d+ (\S+) *(.*)$/;
const LENGTH_LIMIT = 16 * 1024 * 1024;

/** @throws FormatError KEYRING-LINE, BYTES-LIMIT */
export function parseProcKeys(text: string): ListedKey[] {
  if (text.length > LENGTH_LIMIT) throw new FormatError('BYTES-LIMIT', '/proc/keys is longer than 16 MiB');
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line, index) => parseLine(line, index + 1));
}

function parseLine(line: string, number: number): ListedKey {
  const [, id = '', timeout = '', uid = '', type = '', description = ''] = LINE.exec(line) ?? [];
  if (id === '') throw new FormatError('KEYRING-LINE', `/proc/keys, line ${number}: of another form`, { line: number });
  return { id: Number.parseInt(id, 16), timeout, uid: Number(uid), type, description };
}

/** Name of a listed keyring, without the count behind it. */
export function keyringName({ description }: ListedKey): string {
  return description.replace(/: (?:empty|\d+(?:\/\d+)?)$/, '');
}

/** `NAME: X509.rsa 46e12569 []` (crypto/asymmetric_keys/asymmetric_type.c, asymmetric_key_describe). */
export function keyIdInDescription({ description }: ListedKey): string | undefined {
  return /: \S+ ([0-9a-f]{8})(?: \[.*\])?$/.exec(description)?.[1];
}
