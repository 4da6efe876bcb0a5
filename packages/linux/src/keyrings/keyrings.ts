import { readFileSync } from 'node:fs';
import { SystemError } from '@assay/core/errors';
import { addCertificate, keyAbilities, keysIn, makeUserKeyring } from './keyctl.ts';
import { keyIdInDescription, keyringName, parseProcKeys, type ListedKey } from './proc-keys.ts';

/** Keyrings whose keys check something of a file, and what. */
const LABEL_KEYRINGS = {
  '.ima': 'signatures in security.ima, where the kernel demands trusted keys',
  _ima: 'signatures in security.ima, where it does not',
  '.evm': 'signatures in security.evm, where the kernel demands trusted keys',
  _evm: 'signatures in security.evm, where it does not',
  '.platform': 'kernels for kexec; from the firmware',
  '.builtin_trusted_keys': 'certificates for .ima and .evm; built into the kernel',
  '.secondary_trusted_keys': 'certificates for .ima and .evm',
  '.machine': 'certificates for .ima and .evm; from the owner of the machine',
  '.blacklist': 'refuses keys and files, whoever signed them',
  '.fs-verity': 'built-in signatures of fs-verity',
} as const;

export type LabelKeyring = keyof typeof LABEL_KEYRINGS;

export const KEYRING_NAMES = [
  '.ima',
  '_ima',
  '.evm',
  '_evm',
  '.platform',
  '.builtin_trusted_keys',
  '.secondary_trusted_keys',
  '.machine',
  '.blacklist',
  '.fs-verity',
] as const satisfies readonly LabelKeyring[];

export interface KeyringKey {
  readonly serial: number;
  readonly description: string;
  /** Its name where it is a keyring: all its keys count as keys of the one that it is in. */
  readonly keyring?: string;
  /** By which labels name it. */
  readonly keyId?: string;
  /** Until it expires, as the kernel rounds it; undefined where it never does. */
  readonly expires?: string;
  readonly operations?: readonly string[];
  readonly bits?: number;
}

export interface Keyring {
  readonly name: LabelKeyring;
  readonly serial: number;
  readonly checks: string;
  /** Undefined where this process may not read it. */
  readonly keys?: readonly KeyringKey[];
}

/** The keyrings of this kernel that have to do with labels, as far as this process may see them. */
export function labelKeyrings(): Keyring[] {
  const listed = readListed();
  const byId = new Map(listed.map((key) => [key.id, key]));
  return KEYRING_NAMES.flatMap((name) => {
    const found = keyringIn(listed, name);
    if (found === undefined) return [];
    const keys = keysIn(found.id)?.map((serial) => describe(serial, byId.get(serial)));
    const checks = LABEL_KEYRINGS[name];
    return [{ name, serial: found.id, checks, ...(keys === undefined ? {} : { keys }) }];
  });
}

function describe(serial: number, listed: ListedKey | undefined): KeyringKey {
  const { description = 'not visible', timeout = 'perm' } = listed ?? {};
  const keyId = listed === undefined ? undefined : keyIdInDescription(listed);
  return {
    serial,
    description,
    ...(listed?.type === 'keyring' ? { keyring: keyringName(listed) } : {}),
    ...(keyId === undefined ? {} : { keyId }),
    ...(timeout === 'perm' ? {} : { expires: timeout === 'expd' ? 'has expired' : timeout }),
    ...keyAbilities(serial),
  };
}

/**
 * Puts a certificate into one of the keyrings that check labels. `_ima` and `_evm`, which the kernel looks for in the user
 * keyring, are made where they are missing; the others are the kernel's own.
 * @returns serial number of the key
 * @throws SystemError KEYRING-REFUSED, NOT-PERMITTED, KERNEL-LACKS
 */
export function importCertificate(der: Uint8Array, name: '.ima' | '_ima' | '.evm' | '_evm'): number {
  const found = keyringIn(readListed(), name);
  if (found !== undefined) return addCertificate(der, found.id);
  if (name === '_ima' || name === '_evm') return addCertificate(der, makeUserKeyring(name));
  const reason = 'this kernel has no such keyring, or this process may not see it';
  throw new SystemError('KEYRING-REFUSED', `${name}: ${reason}`);
}

/** Everybody may make a keyring named `_ima` and show it to all; the kernel's are root's. */
function keyringIn(listed: readonly ListedKey[], name: LabelKeyring): ListedKey | undefined {
  const owners = [0, process.getuid?.()];
  return listed.find((key) => key.type === 'keyring' && keyringName(key) === name && owners.includes(key.uid));
}

function readListed(): ListedKey[] {
  return parseProcKeys(readFileSync('/proc/keys', 'utf8'));
}
