import { constants } from 'node:os';
import { printable } from '@assay/core/bytes';
import { SystemError } from '@assay/core/errors';
import {
  CallFailure,
  callFailed,
  fgetxattr,
  flistxattr,
  fremovexattr,
  fsetxattr,
  lastErrno,
  lgetxattr,
  llistxattr,
  lremovexattr,
  lsetxattr,
  Pinned,
} from '../libc/index.ts';

const { E2BIG, ENODATA, ENOTSUP, EOPNOTSUPP } = constants.errno;

/** A descriptor, or the bytes of a path; a symbolic link at its end is not followed. */
export type XattrTarget = number | Uint8Array;

/** XATTR_SIZE_MAX and XATTR_LIST_MAX of include/uapi/linux/limits.h. One buffer per thread. */
const memory = new Pinned(65_536);
const { bytes: buffer, address: at } = memory;
const { length: size } = buffer;

/** Names as C has them. Those of EVM and IMA are few; others come from lists of this process. */
const names = new Map<string, Pinned>();

function nameOf(name: string): number {
  const known = names.get(name);
  if (known !== undefined) return known.address;
  const pinned = Pinned.text(name);
  names.set(name, pinned);
  return pinned.address;
}

/**
 * Value of an extended attribute; undefined where the file has none of that name.
 * @throws SystemError XATTR-UNSUPPORTED, NOT-PERMITTED, SYSTEM-CALL
 */
export function getXattr(target: XattrTarget, name: string): Uint8Array<ArrayBuffer> | undefined {
  const length =
    typeof target === 'number'
      ? fgetxattr(target, nameOf(name), at, size)
      : lgetxattr(terminated(target), nameOf(name), at, size);
  if (length >= 0) return Uint8Array.from(buffer.subarray(0, length));
  const errno = lastErrno();
  if (errno === ENODATA) return undefined;
  throw failed('getxattr', target, name, errno);
}

/** Sets it whole or not at all. @throws SystemError XATTR-UNSUPPORTED, NOT-PERMITTED, SYSTEM-CALL */
export function setXattr(target: XattrTarget, name: string, value: Uint8Array): void {
  if (value.length > size) throw failed('setxattr', target, name, E2BIG);
  buffer.set(value);
  const result =
    typeof target === 'number'
      ? fsetxattr(target, nameOf(name), at, value.length, 0)
      : lsetxattr(terminated(target), nameOf(name), at, value.length, 0);
  if (result < 0) throw failed('setxattr', target, name, lastErrno());
}

/** @returns false where there was none; @throws SystemError XATTR-UNSUPPORTED, NOT-PERMITTED, SYSTEM-CALL */
export function removeXattr(target: XattrTarget, name: string): boolean {
  const result =
    typeof target === 'number' ? fremovexattr(target, nameOf(name)) : lremovexattr(terminated(target), nameOf(name));
  if (result >= 0) return true;
  const errno = lastErrno();
  if (errno === ENODATA) return false;
  throw failed('removexattr', target, name, errno);
}

/** Names, as far as this process may see them. @throws SystemError XATTR-UNSUPPORTED, NOT-PERMITTED, SYSTEM-CALL */
export function listXattrs(target: XattrTarget): string[] {
  const length = typeof target === 'number' ? flistxattr(target, at, size) : llistxattr(terminated(target), at, size);
  if (length < 0) throw failed('listxattr', target, 'attributes', lastErrno());
  return buffer.toString('utf8', 0, length).split('\0').slice(0, -1);
}

function terminated(path: Uint8Array): Buffer {
  return Buffer.concat([path, Uint8Array.of(0)]);
}

function failed(call: string, target: XattrTarget, name: string, errno: number): SystemError {
  const what = `${call} of ${name}${typeof target === 'number' ? '' : ` of ${printable(target)}`}`;
  if (errno === ENOTSUP || errno === EOPNOTSUPP) {
    return new SystemError('XATTR-UNSUPPORTED', `${what}: the file system does not keep it`, {
      cause: new CallFailure(errno),
    });
  }
  return callFailed(what, errno, 'CAP_SYS_ADMIN');
}
