import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { strictJson } from '@assay/core/bytes';
import { FormatError, VerificationError } from '@assay/core/errors';
import type { BundleCheck, TrustedKey } from '@assay/core/reference';
import { bundleFromJSON, ValidationError, type Bundle } from '@sigstore/bundle';
import {
  PolicyError,
  VerificationError as SigstoreError,
  toSignedEntity,
  toTrustMaterial,
  Verifier,
  type Signer,
} from '@sigstore/verify';
import type { TrustedRoot } from './trusted-root.ts';

/** Somebody who may sign: both texts are compared exactly with those of the certificate. */
export interface Identity {
  /** Subject alternative name: an address, or the URI of a workflow. */
  readonly subject: string;
  /** Who says so: the URL of the OpenID Connect provider. */
  readonly issuer: string;
}

export interface SigstoreTrust {
  readonly keys: readonly TrustedKey[];
  readonly identities: readonly Identity[];
  /** Authorities and logs; certificates need one, keys do without. */
  readonly root?: TrustedRoot;
}

const NOBODY: TrustedRoot = {
  mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  tlogs: [],
  ctlogs: [],
  certificateAuthorities: [],
  timestampAuthorities: [],
};
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * Checks bundles as `cosign sign-blob --bundle` writes them, without a network. A log that the trusted root names must
 * have the entry; without a trusted root only keys count, and what a log says of them is not looked at.
 */
export function sigstoreCheck(trust: SigstoreTrust): BundleCheck {
  return {
    verify(bytes, artifact) {
      const bundle = parseBundle(bytes);
      checkDigest(bundle, artifact);
      const { content } = bundle.verificationMaterial;
      return content.$case === 'publicKey' ? byKey(bundle, artifact, trust) : byCertificate(bundle, artifact, trust);
    },
  };
}

function parseBundle(bytes: Uint8Array): Bundle {
  if (bytes.length > MOST_BYTES) throw new FormatError('BYTES-LIMIT', `a bundle of ${bytes.length} bytes`);
  strictJson(bytes, 'ENVELOPE-FORM');
  let bundle: Bundle;
  try {
    bundle = bundleFromJSON(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (error) {
    const why = error instanceof ValidationError ? `: ${error.fields.join(', ')}` : '';
    throw new FormatError('ENVELOPE-FORM', `the text is no bundle of Sigstore${why}`);
  }
  // An envelope would sign its own payload, and say nothing of the file that is beside it.
  if (bundle.content.$case !== 'messageSignature') {
    throw new FormatError('ENVELOPE-FORM', 'the bundle holds an envelope, not a signature of a file');
  }
  return bundle;
}

/** `HashAlgorithm` of sigstore_common.proto. */
const HASHES: ReadonlyMap<number, string> = new Map([
  [1, 'sha256'],
  [2, 'sha384'],
  [3, 'sha512'],
]);

/** The digest is not signed, and so only a hint; but a bundle that names another file is not one of this file. */
function checkDigest({ content }: Bundle, artifact: Uint8Array): void {
  if (content.$case !== 'messageSignature') return;
  const { algorithm, digest } = content.messageSignature.messageDigest;
  const hash = HASHES.get(algorithm);
  if (hash === undefined) throw refused('its digest is of an algorithm that is not known');
  if (!createHash(hash).update(artifact).digest().equals(digest)) throw refused('its digest is that of another file');
}

/** The hint in the bundle is not signed, so each key is tried. */
function byKey(bundle: Bundle, artifact: Uint8Array, { keys, root }: SigstoreTrust): string {
  let reason = 'no key is trusted';
  for (const { name, spki } of keys) {
    const publicKey = keyObject(spki);
    const material = toTrustMaterial(root ?? NOBODY, () => ({ publicKey, validFor: () => true }));
    const entity = toSignedEntity(bundle, Buffer.from(artifact));
    const checked = root === undefined ? { ...entity, tlogEntries: [], timestamps: [] } : entity;
    const logs = root === undefined || root.tlogs.length === 0 ? 0 : 1;
    const options = { tlogThreshold: logs, ctlogThreshold: 0, timestampThreshold: 0 };
    const signer = tried(() => new Verifier(material, options).verify(checked));
    if (typeof signer !== 'string') return name;
    reason = signer;
  }
  throw refused(reason);
}

function keyObject(spki: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
}

function byCertificate(bundle: Bundle, artifact: Uint8Array, { identities, root }: SigstoreTrust): string {
  if (root === undefined) throw refused('it is signed by a certificate, and no trusted root is given');
  const options = {
    tlogThreshold: root.tlogs.length === 0 ? 0 : 1,
    ctlogThreshold: root.ctlogs.length === 0 ? 0 : 1,
    // Certificates live for minutes: without a time that somebody vouches for, none is valid.
    timestampThreshold: 1,
  };
  const entity = toSignedEntity(bundle, Buffer.from(artifact));
  const signer = tried(() => new Verifier(toTrustMaterial(root), options).verify(entity));
  if (typeof signer === 'string') throw refused(signer);
  const subject = signer.identity?.subjectAlternativeName;
  const issuer = signer.identity?.extensions?.issuer;
  const known = identities.some((identity) => identity.subject === subject && identity.issuer === issuer);
  if (known) return `${subject} (${issuer})`;
  throw refused(`it is signed by ${subject ?? 'nobody'} by the word of ${issuer ?? 'nobody'}, who is not trusted`);
}

/** @returns the signer, or why there is none */
function tried(work: () => Signer): Signer | string {
  try {
    return work();
  } catch (error) {
    if (error instanceof SigstoreError || error instanceof PolicyError) return error.message;
    // Certificates and log entries are read as late as that, by a reader with errors of its own.
    if (error instanceof Error) return `it cannot be read: ${error.message}`;
    throw error;
  }
}

function refused(reason: string): VerificationError {
  return new VerificationError('POLICY-SIGNATURE', `the bundle does not verify: ${reason}`);
}
