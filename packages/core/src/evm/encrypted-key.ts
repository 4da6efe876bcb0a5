import { concat, equalBytes, fromHex, toHex, utf8 } from '../bytes/index.ts';
import { FormatError, VerificationError } from '../errors/index.ts';
import type { Hasher } from '../hash/index.ts';

const IV_SIZE = 16;
const BLOCK_SIZE = 16;
const HMAC_SIZE = 32;
const FORMATS = ['default', 'enc32', 'ecryptfs'];
/** MIN_DATA_SIZE and MAX_DATA_SIZE of security/keys/encrypted-keys/encrypted.c. */
const SMALLEST_KEY = 20;
const LARGEST_KEY = 4096;
const LONGEST_TEXT = 16384;
/** The derived keys are hashes over at least this much (encrypted.c, get_derived_key; HASH_SIZE). */
const LEAST_DERIVATION = 32;

/** AES-256 in CBC mode without padding; the caller brings it (`nodeKeyCipher` of `@assay/core/node`). */
export interface KeyCipher {
  encrypt(key: Uint8Array, iv: Uint8Array, plain: Uint8Array): Uint8Array;
  decrypt(key: Uint8Array, iv: Uint8Array, encrypted: Uint8Array): Uint8Array;
}

export interface KeyPorts {
  readonly hasher: Hasher;
  readonly keyCipher: KeyCipher;
}

/** The text of a key of type `encrypted`, as `keyctl pipe` prints it. Its HMAC is not checked yet. */
export interface ParsedEncryptedKey {
  readonly format: string;
  /** `user:NAME` or `trusted:NAME`. */
  readonly master: string;
  /** Bytes of the key. */
  readonly size: number;
  readonly iv: Uint8Array;
  readonly encrypted: Uint8Array;
  readonly hmac: Uint8Array;
}

/** A key of which the HMAC was checked. Only `decryptKey` makes one. */
class DecryptedKey {
  readonly #payload: Uint8Array;
  readonly parsed: ParsedEncryptedKey;

  constructor(payload: Uint8Array, parsed: ParsedEncryptedKey) {
    this.#payload = payload;
    this.parsed = parsed;
  }

  get payload(): Uint8Array {
    return this.#payload;
  }
}

export type VerifiedEncryptedKey = DecryptedKey;

/** Text with or without a final line feed. @throws FormatError EVM-KEY, BYTES-LIMIT, TEXT-HEX */
export function parseEncryptedKey(text: string): ParsedEncryptedKey {
  if (text.length > LONGEST_TEXT) throw new FormatError('BYTES-LIMIT', 'the text of an encrypted key is over 16384');
  const match = /^(\S+) ((?:user|trusted):\S+) ([1-9]\d{1,3}) ([0-9a-f]+)\n?$/.exec(text);
  const [, format = '', master = '', digits = '', hex = ''] = match ?? [];
  const size = Number(digits);
  if (match === null || !FORMATS.includes(format)) throw refused('not `format master length hexadecimal`');
  if (size < SMALLEST_KEY || size > LARGEST_KEY) throw refused(`a key of ${size} bytes: 20 to 4096`);
  const bytes = fromHex(hex);
  const end = IV_SIZE + 1 + roundedUp(size);
  if (bytes.length !== end + HMAC_SIZE) throw refused(`${bytes.length} bytes do not fit a key of ${size}`);
  if (bytes[IV_SIZE] !== 0) throw refused('no zero follows the initialization vector');
  const [iv, encrypted, hmac] = [bytes.subarray(0, IV_SIZE), bytes.subarray(IV_SIZE + 1, end), bytes.subarray(end)];
  return { format, master, size, iv, encrypted, hmac };
}

/**
 * The payload of the key (security/keys/encrypted-keys/encrypted.c, datablob_hmac_verify and derived_key_decrypt).
 *
 * @param master payload of the master key.
 * @throws VerificationError EVM-KEY-INVALID
 */
export function decryptKey(parsed: ParsedEncryptedKey, master: Uint8Array, ports: KeyPorts): VerifiedEncryptedKey {
  if (!equalBytes(parsed.hmac, hmacOf(parsed, master, ports.hasher))) {
    throw new VerificationError('EVM-KEY-INVALID', `the key was not encrypted under this ${parsed.master}`);
  }
  const key = derivedKey('ENC_KEY', master, ports.hasher);
  const padded = ports.keyCipher.decrypt(key, parsed.iv, parsed.encrypted);
  return new DecryptedKey(padded.slice(0, parsed.size), parsed);
}

/**
 * The text that `keyctl add encrypted NAME "load TEXT"` takes.
 *
 * @param iv 16 unpredictable bytes.
 * @throws FormatError EVM-KEY
 */
export function encryptKey(
  payload: Uint8Array,
  master: { readonly name: string; readonly payload: Uint8Array },
  iv: Uint8Array,
  ports: KeyPorts,
  format = 'default',
): string {
  const padded = concat([payload, new Uint8Array(roundedUp(payload.length) - payload.length)]);
  const key = derivedKey('ENC_KEY', master.payload, ports.hasher);
  const encrypted = ports.keyCipher.encrypt(key, iv, padded);
  const parts = { format, master: master.name, size: payload.length, iv, encrypted };
  const hmac = hmacOf(parts, master.payload, ports.hasher);
  const text = `${format} ${master.name} ${payload.length} ${toHex(concat([iv, Uint8Array.of(0), encrypted, hmac]))}`;
  parseEncryptedKey(text);
  return text;
}

function hmacOf(parts: Omit<ParsedEncryptedKey, 'hmac'>, master: Uint8Array, hasher: Hasher): Uint8Array {
  const head = utf8(`${parts.format}\0${parts.master}\0${parts.size}\0`);
  const key = derivedKey('AUTH_KEY', master, hasher);
  return hasher.hmac('sha256', key, head, parts.iv, Uint8Array.of(0), parts.encrypted);
}

/** Both purposes are hashed over the space of the longer one, so ENC_KEY has a zero more at the end. */
function derivedKey(purpose: 'ENC_KEY' | 'AUTH_KEY', master: Uint8Array, hasher: Hasher): Uint8Array {
  const input = new Uint8Array(Math.max('AUTH_KEY'.length + 1 + master.length, LEAST_DERIVATION));
  input.set(utf8(purpose));
  input.set(master, purpose.length + 1);
  return hasher.digest('sha256', input);
}

function roundedUp(size: number): number {
  return Math.ceil(size / BLOCK_SIZE) * BLOCK_SIZE;
}

function refused(reason: string): FormatError {
  return new FormatError('EVM-KEY', `encrypted key: ${reason}`);
}
