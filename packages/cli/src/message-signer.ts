import { createHash, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { toHex } from '@assay/core/bytes';
import type { EnvelopeSignature } from '@assay/core/dsse';
import { SystemError } from '@assay/core/errors';
import { encodePublicKey } from '@assay/core/keys';
import { nodeHasher, nodeMessageSignatures } from '@assay/core/node';
import { boundedContent } from './bounded-file.ts';
import { UsageError } from './exit.ts';
import { baselineSigner } from './scan/keys.ts';

const LARGEST_KEY = 1024 * 1024;

/** A key that signs messages, with its public part in DER. */
interface MessageSigner {
  readonly spki: Uint8Array;
  sign(message: Uint8Array): Promise<Uint8Array>;
}

export type MessageSignerOptions = Parameters<typeof baselineSigner>[0];

/** A signature of an envelope, by the key that the options name. @throws UsageError; SystemError SIGNER-FAILED */
export async function envelopeSignature(
  message: Uint8Array,
  options: MessageSignerOptions,
): Promise<EnvelopeSignature & { readonly keyid: string }> {
  const { spki, sign: signs } = await messageSigner(options);
  const sig = await signs(message);
  if (!nodeMessageSignatures.verify(spki, message, sig)) {
    throw new SystemError('SIGNER-FAILED', 'the signer made a signature that its public key does not verify');
  }
  return { keyid: toHex(nodeHasher.digest('sha256', spki)), sig };
}

/** Ed25519 signs messages, not digests, so only a key in a file can do it. */
async function messageSigner(options: MessageSignerOptions): Promise<MessageSigner> {
  const ed25519 =
    options.key === undefined || options.key.startsWith('pkcs11:') ? undefined : await ed25519Key(options.key);
  if (ed25519 !== undefined) {
    const spki = createPublicKey(ed25519).export({ format: 'der', type: 'spki' });
    return { spki, sign: async (message) => sign(null, message, ed25519) };
  }
  const key = await baselineSigner(options);
  if (key === undefined) throw new UsageError('give --key or --signer');
  return {
    spki: encodePublicKey(key.publicKey),
    sign: (message) => key.signer.sign('sha256', createHash('sha256').update(message).digest()),
  };
}

async function ed25519Key(path: string): Promise<KeyObject | undefined> {
  try {
    const key = createPrivateKey(await boundedContent(path, LARGEST_KEY));
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch (error) {
    // A key under a passphrase, or none: the other way of opening it says so.
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_')) return undefined;
    throw error;
  }
}
