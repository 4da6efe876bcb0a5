import { readFileSync } from 'node:fs';
import { SystemError } from '@assay/core/errors';
import { addEncryptedKey, addUserKey, keysIn, linkUserKeyring, unlinkKey, USER_KEYRING } from './keyctl.ts';
import { keyringName, parseProcKeys } from './proc-keys.ts';

/** The name under which EVM asks for its key (security/integrity/evm/evm_crypto.c, EVMKEY). */
const EVM_KEY = 'evm-key';

/** A key in the kernel's text form, and what decrypts it. */
export interface EvmKeyText {
  readonly text: string;
  /** `user:NAME`; masters of type `trusted` are the kernel's own to load. */
  readonly master: string;
  /** Payload of the master key. */
  readonly masterPayload: Uint8Array;
}

/**
 * Puts the EVM key into the keyring of this user, where EVM finds it. The master key is in it only until the kernel has
 * decrypted the other.
 * @returns serial number of the EVM key
 * @throws SystemError KEYRING-REFUSED, NOT-PERMITTED, KERNEL-LACKS
 */
export function loadEvmKey({ text, master, masterPayload }: EvmKeyText): number {
  const name = /^user:(.+)$/.exec(master)?.[1];
  if (name === undefined)
    throw new SystemError('KEYRING-REFUSED', `${master}: only master keys of type user are loaded`);
  linkUserKeyring();
  forgetEvmKey(); // A key of this type cannot be given another content.
  const masterKey = addUserKey(name, masterPayload, USER_KEYRING);
  try {
    return addEncryptedKey(EVM_KEY, text, USER_KEYRING);
  } finally {
    unlinkKey(masterKey, USER_KEYRING);
  }
}

function forgetEvmKey(): void {
  const own = new Set(keysIn(USER_KEYRING));
  for (const key of evmKeys().evmKeys) if (own.has(key)) unlinkKey(key, USER_KEYRING);
}

/** Keys with which the life of the EVM key has to do, as far as this process may see them. */
export interface EvmKeysFound {
  /** Serial numbers of keys named evm-key. */
  readonly evmKeys: readonly number[];
  /** How many certificates the keyrings hold that check signatures in security.evm. */
  readonly certificates: Readonly<Record<string, number>>;
}

/** @throws FormatError KEYRING-LINE, BYTES-LIMIT */
export function evmKeys(): EvmKeysFound {
  const listed = parseProcKeys(readFileSync('/proc/keys', 'utf8'));
  const ofEvm = listed.filter(({ type, description }) => type === 'encrypted' && description.startsWith(`${EVM_KEY}:`));
  const keyrings = listed.filter((key) => key.type === 'keyring' && ['.evm', '_evm'].includes(keyringName(key)));
  const counts = keyrings.map((key) => [keyringName(key), keysCounted(key.description)] as const);
  return { evmKeys: ofEvm.map(({ id }) => id), certificates: Object.fromEntries(counts) };
}

/** `_ima: 1/4` holds one key, `_ima: empty` none (security/keys/keyring.c, keyring_describe). */
function keysCounted(description: string): number {
  return Number(/: (\d+)(?:\/\d+)?$/.exec(description)?.[1] ?? 0);
}
