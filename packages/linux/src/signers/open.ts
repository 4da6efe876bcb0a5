import type { Signer } from '@assay/core/keys';
import { toHex, utf8 } from '@assay/core/bytes';
import { opensslSigner } from './openssl-command.ts';
import { openPemKey } from './private-key.ts';
import { outputOf } from './program.ts';

/** Where a private key is; plain data, so that each thread can open it for itself. */
export type SignerSource =
  | { readonly kind: 'pem'; readonly pem: Uint8Array; readonly passphrase?: string }
  | { readonly kind: 'openssl'; readonly key: string; readonly passphrase?: string }
  | { readonly kind: 'program'; readonly path: string };

/** @throws FormatError KEY-PRIVATE, KEY-UNKNOWN; SystemError SIGNER-FAILED */
export function openSigner(source: SignerSource): Signer {
  switch (source.kind) {
    case 'pem':
      return openPemKey(source.pem, source.passphrase).signer;
    case 'openssl':
      return opensslSigner(source.key, source.passphrase);
    case 'program':
      return programSigner(source.path);
  }
}

/**
 * A program that is called with the kernel's name of the hash and the digest in hexadecimal, has the latter on its
 * standard input too, and writes the bytes of the signature.
 */
function programSigner(path: string): Signer {
  return {
    async sign(hash, digest) {
      const hex = toHex(digest);
      return Uint8Array.from(await outputOf(path, [hash, hex], { input: utf8(`${hex}\n`) }));
    },
  };
}
