import { constants } from 'node:os';
import { SystemError } from '@assay/core/errors';
import { CallFailure, callFailed, lastErrno, syscall } from '../libc/index.ts';

/** include/uapi/asm-generic/unistd.h and the table of x86-64. */
const NUMBERS = {
  x64: { addKey: 248, keyctl: 250 },
  arm64: { addKey: 217, keyctl: 219 },
} as const;

/** include/uapi/linux/keyctl.h */
const KEYCTL_LINK = 8;
const KEYCTL_UNLINK = 9;
const KEYCTL_READ = 11;
const KEYCTL_PKEY_QUERY = 24;
const KEYCTL_PKEY_VERIFY = 28;
const SESSION_KEYRING = -3;
export const USER_KEYRING = -4;
const QUERY_SIZE = 64;
/** struct keyctl_pkey_params: key, two lengths, seven spare words. */
const VERIFY_SIZE = 40;
/** More than a signature by any key that kernels take. */
const LONGEST_SIGNATURE = 2048;
const OPERATIONS = ['encrypt', 'decrypt', 'sign', 'verify'] as const;

/** Errors that node:os does not name (include/uapi/asm-generic/errno.h). */
const REASONS: ReadonlyMap<number, string> = new Map([
  [65, 'ENOPKG: the kernel lacks the algorithm of the key or of its signature'],
  [126, 'ENOKEY: no key that the kernel trusts has signed it, or it has no authorityKeyIdentifier'],
  [127, 'EKEYEXPIRED: a key has expired'],
  [128, 'EKEYREVOKED: a key was revoked'],
  [129, 'EKEYREJECTED: the kernel does not trust it for this keyring'],
  [constants.errno.ENOENT, 'ENOENT: the kernel lacks the algorithm of the key, such as ECDSA'],
  [constants.errno.EBADMSG, 'EBADMSG: the certificate cannot be read'],
  [constants.errno.EINVAL, 'EINVAL: the certificate cannot be read, or is not in force yet or any more'],
]);
const { EACCES, EPERM, ENOSYS } = constants.errno;

function numbers(): (typeof NUMBERS)['x64' | 'arm64'] {
  if (process.arch === 'x64' || process.arch === 'arm64') return NUMBERS[process.arch];
  throw new SystemError('KERNEL-LACKS', `the numbers of the calls for keys are not known for ${process.arch}`);
}

/**
 * Adds an X.509 certificate in DER to a keyring; the kernel names it after its subject.
 * @returns its serial number
 * @throws SystemError KEYRING-REFUSED, NOT-PERMITTED, KERNEL-LACKS
 */
export function addCertificate(der: Uint8Array, keyring: number): number {
  return added('asymmetric', '', der, keyring);
}

/**
 * Adds a key of type `user`, bytes under a name.
 * @returns its serial number
 * @throws SystemError KEYRING-REFUSED, NOT-PERMITTED, KERNEL-LACKS
 */
export function addUserKey(name: string, payload: Uint8Array, keyring: number): number {
  return added('user', name, payload, keyring);
}

/**
 * Adds a key of type `encrypted` from the text that the kernel printed for it, which it decrypts by the master key that the
 * text names: that key must be in a keyring that this process searches.
 * @returns its serial number
 * @throws SystemError KEYRING-REFUSED, NOT-PERMITTED, KERNEL-LACKS
 */
export function addEncryptedKey(name: string, text: string, keyring: number): number {
  const id = syscall(numbers().addKey, 'encrypted', name, Buffer.from(`load ${text}`), text.length + 5, keyring);
  if (id >= 0) return id;
  const errno = lastErrno();
  const reason = ENCRYPTED_REASONS.get(errno);
  if (reason === undefined) throw refused('add_key of type encrypted', errno);
  throw new SystemError('KEYRING-REFUSED', `add_key of type encrypted: ${reason}`);
}

/** security/keys/encrypted-keys/encrypted.c, encrypted_init; ENODEV of key_type_lookup. */
const ENCRYPTED_REASONS: ReadonlyMap<number, string> = new Map([
  [constants.errno.EINVAL, 'EINVAL: the text was changed, or the master key is another one'],
  [constants.errno.ENODEV, 'ENODEV: the kernel has no keys of this type'],
  [126, 'ENOKEY: the master key is in no keyring that this process searches'],
]);

/**
 * Makes this process find what is in the keyring of its user, which a session keyring of its own hides.
 * @throws SystemError KEYRING-REFUSED, NOT-PERMITTED
 */
export function linkUserKeyring(): void {
  if (syscall(numbers().keyctl, KEYCTL_LINK, USER_KEYRING, SESSION_KEYRING) < 0) {
    throw refused('keyctl KEYCTL_LINK of the user keyring', lastErrno());
  }
}

/** @throws SystemError KEYRING-REFUSED, NOT-PERMITTED */
export function unlinkKey(key: number, keyring: number): void {
  if (syscall(numbers().keyctl, KEYCTL_UNLINK, key, keyring) < 0) throw refused('keyctl KEYCTL_UNLINK', lastErrno());
}

/** Makes a keyring in the user keyring of this user, where the kernel looks for `_ima` and `_evm`. */
export function makeUserKeyring(name: string): number {
  return added('keyring', name, null, USER_KEYRING);
}

function added(type: string, name: string, payload: Uint8Array | null, keyring: number): number {
  const id = syscall(numbers().addKey, type, name, payload, payload?.length ?? 0, keyring);
  if (id >= 0) return id;
  throw refused(`add_key of type ${type}`, lastErrno());
}

/**
 * Serial numbers of the keys in a keyring; undefined where this process may not read it.
 * @throws SystemError KEYRING-REFUSED, KERNEL-LACKS
 */
export function keysIn(keyring: number): number[] | undefined {
  const buffer = Buffer.alloc(65_536);
  const length = syscall(numbers().keyctl, KEYCTL_READ, keyring, buffer, buffer.length, 0);
  if (length >= 0) {
    return Array.from({ length: Math.min(length, buffer.length) / 4 }, (_, index) => buffer.readInt32LE(4 * index));
  }
  const errno = lastErrno();
  if (errno === EACCES || errno === EPERM) return undefined;
  throw refused('keyctl KEYCTL_READ', errno);
}

/** What keys of each kind are asked about: RSA, ECDSA, and the rest. */
const QUERIES = ['enc=pkcs1 hash=sha256', 'enc=x962 hash=sha256', ''];

/** What a key can do and how many bits it has; undefined where the kernel does not say. */
export function keyAbilities(
  key: number,
): { readonly operations: readonly string[]; readonly bits: number } | undefined {
  const answer = Buffer.alloc(QUERY_SIZE);
  const { keyctl } = numbers();
  if (!QUERIES.some((query) => syscall(keyctl, KEYCTL_PKEY_QUERY, key, 0, query, answer) >= 0)) return undefined;
  const supported = answer.readUInt32LE(0);
  const operations = OPERATIONS.filter((_, bit) => ((supported >> bit) & 1) === 1);
  return { operations, bits: answer.readUInt32LE(4) };
}

/** `encoding` is pkcs1 of RSA keys and x962 of ECDSA keys (Documentation/security/keys/core.rst). */
export function verifyByKey(
  key: number,
  { encoding, hash }: { readonly encoding: 'pkcs1' | 'x962'; readonly hash: string },
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length > LONGEST_SIGNATURE) return false;
  // Linux 6.18 reads as many bytes as the key is long, whatever length it is told: what follows a short one are zeros.
  const padded = Buffer.alloc(LONGEST_SIGNATURE);
  padded.set(signature);
  const parameters = Buffer.alloc(VERIFY_SIZE);
  parameters.writeInt32LE(key, 0);
  parameters.writeUInt32LE(digest.length, 4);
  parameters.writeUInt32LE(signature.length, 8);
  const info = `enc=${encoding} hash=${hash}`;
  return syscall(numbers().keyctl, KEYCTL_PKEY_VERIFY, parameters, info, digest, padded) === 0;
}

function refused(call: string, errno: number): SystemError {
  if (errno === EACCES || errno === EPERM || errno === ENOSYS) {
    return callFailed(call, errno, 'write permission for the keyring');
  }
  const reason = REASONS.get(errno);
  if (reason === undefined) return callFailed(call, errno);
  return new SystemError('KEYRING-REFUSED', `${call}: ${reason}`, { cause: new CallFailure(errno) });
}
