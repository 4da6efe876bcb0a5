import { FormatError } from '@assay/core/errors';
import { LABEL_TYPES, parseImaLabel, type Parsed, type SignatureLabel, type SignatureV1Label } from '@assay/core/label';
import { fileDigest } from './hashes.ts';
import type { PublicKeys } from './public-keys.ts';
import { Failure, pathOf, type Run } from './run.ts';
import { verifySigned } from './verify-digest.ts';

/** A value of security.ima, and of which file. */
export interface Labelled {
  readonly raw: Uint8Array;
  /** For messages. */
  readonly name: string;
  /** Where the file is, unless its digest is given. */
  readonly content: { readonly path: Uint8Array } | { readonly digest: Uint8Array };
}

/** Checks the signature in security.ima of a file against its content, or against a digest. @throws Failure */
export async function verifyImaSignature(run: Run, keys: PublicKeys | undefined, labelled: Labelled): Promise<void> {
  const { raw, name, content } = labelled;
  const label = signatureIn(raw, name);
  if ('digest' in content) {
    const digest = { algorithm: label.algorithm, value: content.digest };
    return verifySigned(run, keys, { label, digest, name });
  }
  if (raw[0] === LABEL_TYPES.verity) {
    throw new Failure(`${name}: calculating the fs-verity digest is not supported`);
  }
  const digest = await fileDigest(run, content.path, label.algorithm);
  return verifySigned(run, keys, { label, digest, name });
}

function signatureIn(raw: Uint8Array, name: string): Parsed<SignatureLabel> | Parsed<SignatureV1Label> {
  if (raw[0] !== LABEL_TYPES.signature && raw[0] !== LABEL_TYPES.verity) {
    throw new Failure(`${name}: xattr ima has no signature`);
  }
  try {
    const label = parseImaLabel(raw);
    if (label.kind !== 'digest') return label;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  throw new Failure(`${name}: Invalid signature`);
}

/** The value of security.ima, or of FILE.sig with --sigfile. @throws Failure */
export function labelOf(run: Run, word: string): Uint8Array {
  if (run.settings.signatureFile) {
    const content = run.readFile(`${word}.sig`);
    if (content === undefined) throw new Failure(`Failed reading: ${word}`);
    return content;
  }
  const value = run.xattr(pathOf(word), run.imaXattr);
  if (value === undefined) throw new Failure(`getxattr failed: ${word}`);
  return value;
}
