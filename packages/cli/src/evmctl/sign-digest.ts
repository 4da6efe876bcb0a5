import { toHex } from '@assay/core/bytes';
import { FormatError, SystemError } from '@assay/core/errors';
import { hashAlgorithm } from '@assay/core/hash';
import {
  encodeImaLabel,
  signedDigest,
  signLabel,
  signLabelVersion1,
  version1Payload,
  type ComputedDigest,
  type SignatureLabel,
  type SignatureV1Label,
  type SignedForm,
} from '@assay/core/label';
import { nodeHasher } from '@assay/core/node';
import { labelSigner, version1Signer } from './private-key.ts';
import { Failure, type Run } from './run.ts';

const HEADER_SIZE = 8;

/** A signature over a digest, by the key and in the scheme of the options. @throws Failure */
export async function signDigest(
  run: Run,
  digest: ComputedDigest,
  form: SignedForm,
): Promise<SignatureLabel | SignatureV1Label> {
  const signed = signedDigest({ ...form, algorithm: digest.algorithm }, digest.value, nodeHasher);
  run.say(`hash(${run.settings.hashAlgorithm}): ${toHex(signed)}`);
  return run.settings.version1 ? signVersion1(run, digest) : sign(run, digest, form);
}

async function sign(run: Run, digest: ComputedDigest, form: SignedForm): Promise<SignatureLabel> {
  const signer = await labelSigner(run);
  if (digest.value.length !== hashAlgorithm(digest.algorithm).size) throw refused('invalid digest length');
  try {
    const label = await signLabel(digest, form, signer, nodeHasher);
    run.say(`evm/ima signature: ${HEADER_SIZE + label.signature.length} bytes`);
    return label;
  } catch (error) {
    if (error instanceof SystemError || error instanceof FormatError) throw refused(error.message);
    throw error;
  }
}

function refused(reason: string): Failure {
  return new Failure(`sign_hash_v2: signing failed: (${reason}) in EVP_PKEY_sign`);
}

async function signVersion1(run: Run, { algorithm, value }: ComputedDigest): Promise<SignatureV1Label> {
  const signer = await version1Signer(run);
  if (algorithm !== 'sha1' && algorithm !== 'sha256') {
    throw new Failure(`Signature version 1 does not support hash algo ${algorithm}`);
  }
  const time = Math.floor(Date.now() / 1000);
  const label = signLabelVersion1({ algorithm, value }, time, signer, nodeHasher);
  run.say(`sighash: ${toHex(version1Payload(label, value, nodeHasher))}`);
  run.say(`evm/ima signature-v1: ${encodeImaLabel(label).length - 1} bytes`);
  return label;
}
