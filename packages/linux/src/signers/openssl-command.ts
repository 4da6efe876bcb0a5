import type { HashName } from '@assay/core/hash';
import type { Signer } from '@assay/core/keys';
import { SystemError } from '@assay/core/errors';
import { outputOf } from './program.ts';

/** A PKCS#11 URI (RFC 7512), or the path of a PEM file with a key that Node does not know, such as SM2 or GOST. */
export type OpensslKey = string;

/** OpenSSL's names where they are not the kernel's. */
const NAMES: Partial<Record<HashName, string>> = {
  rmd160: 'ripemd160',
  streebog256: 'md_gost12_256',
  streebog512: 'md_gost12_512',
};

/** How OpenSSL reaches tokens: by the engine of libp11, or by the provider. */
const TOKEN_WAYS = [
  ['-engine', 'pkcs11', '-keyform', 'engine'],
  ['-provider', 'pkcs11', '-provider', 'default'],
] as const;

/**
 * Signs by the `openssl` command: slower than in this process, and for keys that are not in reach of it.
 *
 * @param passphrase of the file, or PIN of the token
 * @throws SystemError SIGNER-FAILED for a URI with the PIN in it, which every user could read
 */
export function opensslSigner(key: OpensslKey, passphrase?: string): Signer {
  refusePin(key);
  return {
    async sign(hash, digest) {
      const words = ['pkeyutl', '-sign', '-inkey', key, '-pkeyopt', `digest:${NAMES[hash] ?? hash}`];
      return Uint8Array.from(await run(key, words, digest, passphrase));
    },
  };
}

/** SubjectPublicKeyInfo in DER of such a key. @throws SystemError SIGNER-FAILED */
export async function opensslPublicKey(key: OpensslKey, passphrase?: string): Promise<Uint8Array> {
  refusePin(key);
  return run(key, ['pkey', '-in', key, '-pubout', '-outform', 'DER'], new Uint8Array(0), passphrase);
}

function refusePin(key: OpensslKey): void {
  if (!/[?&]pin-value=/.test(key)) return;
  throw new SystemError('SIGNER-FAILED', 'the URI has the PIN in it, where every user can read it: give it apart');
}

async function run(key: string, words: readonly string[], input: Uint8Array, secret?: string): Promise<Buffer> {
  const whole = secret === undefined ? words : [...words, '-passin', 'fd:3'];
  const given = { input, ...(secret === undefined ? {} : { secret }) };
  if (!key.startsWith('pkcs11:')) return outputOf('openssl', whole, given);
  let failure: unknown;
  for (const way of TOKEN_WAYS) {
    try {
      return await outputOf('openssl', adapted(whole, way), given);
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/** `pkey` names the form of its input otherwise than `pkeyutl`. */
function adapted(words: readonly string[], way: readonly string[]): string[] {
  return [...words, ...(words[0] === 'pkey' ? way.map((word) => (word === '-keyform' ? '-inform' : word)) : way)];
}
