import { createHash, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { toHex } from '@assay/core/bytes';
import { encodeEnvelope, parseEnvelope, preAuthEncoding, type EnvelopeSignature } from '@assay/core/dsse';
import { encodePublicKey } from '@assay/core/keys';
import { nodeHasher, nodeMessageSignatures } from '@assay/core/node';
import { REFERENCE_PAYLOAD_TYPE, referenceDigest } from '@assay/core/reference';
import { SystemError } from '@assay/core/errors';
import { z } from 'zod';
import { boundedContent } from '../bounded-file.ts';
import { EXIT, UsageError } from '../exit.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { shown } from '../output/terminal.ts';
import { readReference, writeWhole } from '../reference/files.ts';
import { SignOptions } from '../reference/options.ts';
import { baselineSigner } from '../scan/keys.ts';

type Options = z.infer<typeof SignOptions>;

const LARGEST_KEY = 1024 * 1024;

/** A key that signs messages, with its public part in DER. */
interface MessageSigner {
  readonly spki: Uint8Array;
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** `assay reference sign FILE --key KEY --out FILE` */
export async function signReference(file: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(SignOptions, given);
  const { reference, bytes, signed } = await readReference(z.string().parse(file));
  const signer = await messageSigner(options);
  // What was signed is signed again as it is: its bytes need not be the canonical ones.
  const payload = signed ? parseEnvelope(bytes).payload : reference.canonical;
  const signature = await signatureOver(preAuthEncoding(REFERENCE_PAYLOAD_TYPE, payload), signer);
  const signatures = [...(signed ? parseEnvelope(bytes).signatures : []), signature];
  await writeWhole(options.out, `${encodeEnvelope({ payloadType: REFERENCE_PAYLOAD_TYPE, payload, signatures })}\n`);
  const { name, version } = reference.document;
  const digest = referenceDigest(nodeHasher, reference);
  const document = { file: options.out, name, version, digest, keyid: signature.keyid, signatures: signatures.length };
  if (options.output === 'json') printJson({ schema: 'assay.reference-sign.v1', ...document });
  else
    process.stdout.write(`${shown(options.out)}: ${name} version ${version}, signed by the key ${signature.keyid}\n`);
  return EXIT.fine;
}

async function signatureOver(message: Uint8Array, { spki, sign: signs }: MessageSigner): Promise<EnvelopeSignature> {
  const sig = await signs(message);
  if (!nodeMessageSignatures.verify(spki, message, sig)) {
    throw new SystemError('SIGNER-FAILED', 'the signer made a signature that its public key does not verify');
  }
  return { keyid: toHex(nodeHasher.digest('sha256', spki)), sig };
}

/** Ed25519 signs messages, not digests, so only a key in a file can do it. */
async function messageSigner(options: Options): Promise<MessageSigner> {
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
