import { createDecipheriv } from 'node:crypto';
import { ByteReader, concat, equalBytes } from '@assay/core/bytes';
import { nodeCredentials, nodeHasher } from '@assay/core/node';
import { credentialKeys, encode, kdfA, publicName, sized, type ParsedPublic } from '@assay/core/tpm';
import type { TpmKey } from './keys.ts';
import { aboutParameter, RC, readingParameter } from './refusal.ts';

const MAC_SIZE = 32;

/**
 * TPM2B_PRIVATE: the secret of a key, encrypted and bound to its name, for its parent to open
 * (TPM 2.0 Part 1, clause 22.4). Keys come from the TPM's seed and the parent's name.
 */
export function wrapPrivate(seed: Uint8Array, parent: TpmKey, area: ParsedPublic, scalar: Uint8Array): Uint8Array {
  const name = publicName(nodeHasher, area);
  const keys = wrappingKeys(seed, parent, name);
  const encrypted = nodeCredentials.cfbEncrypt(keys.symmetric, encode(sized(MAC_SIZE), scalar));
  const mac = nodeHasher.hmac('sha256', keys.mac, encrypted, name);
  return encode(sized(256), concat([encode(sized(MAC_SIZE), mac), encrypted]));
}

/**
 * The secret again.
 * @param parameter index of the blob among the parameters of the command
 * @throws Refusal SIZE, INTEGRITY
 */
export function unwrapPrivate(
  seed: Uint8Array,
  parent: TpmKey,
  area: ParsedPublic,
  blob: Uint8Array,
  parameter: number,
): Uint8Array {
  const { mac, encrypted } = readingParameter(parameter, () => split(blob));
  const name = publicName(nodeHasher, area);
  const keys = wrappingKeys(seed, parent, name);
  if (!equalBytes(nodeHasher.hmac('sha256', keys.mac, encrypted, name), mac)) {
    throw aboutParameter(RC.INTEGRITY, parameter);
  }
  return cfbDecrypt(keys.symmetric, encrypted).subarray(2);
}

export function cfbDecrypt(key: Uint8Array, encrypted: Uint8Array): Uint8Array {
  const decipher = createDecipheriv(`aes-${key.length * 8}-cfb`, key, Buffer.alloc(16));
  return Buffer.concat([decipher.update(encrypted), decipher.final()]);
}

function split(blob: Uint8Array): { mac: Uint8Array; encrypted: Uint8Array } {
  const outer = new ByteReader(blob, 'TPM2B_PRIVATE');
  const inner = new ByteReader(sized(256).read(outer, 'buffer'), 'private');
  return { mac: sized(MAC_SIZE).read(inner, 'integrity'), encrypted: inner.take(inner.remaining, 'sensitive') };
}

function wrappingKeys(seed: Uint8Array, parent: TpmKey, name: Uint8Array): { symmetric: Uint8Array; mac: Uint8Array } {
  const parentSeed = kdfA(nodeHasher, 'sha256', seed, 'PARENT', parent.name, new Uint8Array(0), 256);
  return credentialKeys(nodeHasher, 'sha256', parentSeed, name, 128);
}
