import { equalBytes } from '../bytes/index.ts';
import { VerificationError } from '../errors/index.ts';
import { weaknessOf, type ParsedCertificate, type SignatureVerifier } from '../keys/index.ts';
import { signatureBy } from './algorithms.ts';
import { basicConstraints, maySignCertificates, mayBeUsedFor, unknownCriticalExtension } from './extensions.ts';
import { isNameOutside } from './name-constraints.ts';
import { nameText, sameName } from './names.ts';

export interface PathInput {
  readonly leaf: ParsedCertificate;
  /** Certificates that may stand between; nothing is believed of them. */
  readonly intermediates: readonly ParsedCertificate[];
  /** Certificates that whoever verifies trusts, roots or intermediate authorities; their own signatures do not matter. */
  readonly anchors: readonly ParsedCertificate[];
  /** KeyPurposeId that the path must allow, content octets in hexadecimal. */
  readonly use: string;
  /** Others that the authorities on it may be restricted to instead. */
  readonly authorityUses?: readonly string[];
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  readonly now: number;
}

/** A certificate that a path of signatures ties to an anchor. Only `verifyPath` makes one. */
class PathCertificate {
  readonly #path: readonly ParsedCertificate[];

  constructor(path: readonly ParsedCertificate[]) {
    this.#path = path;
  }

  /** From the leaf to the anchor, both included. */
  get path(): readonly ParsedCertificate[] {
    return this.#path;
  }
}

export type VerifiedCertificate = PathCertificate;

/** From leaf to anchor; real chains of TPM makers have three or four. */
const MAX_PATH = 8;
/** Checks of signatures in one search, so that crossed certificates cannot make it long. */
const MAX_SIGNATURES = 64;

interface Search extends PathInput {
  readonly signatures: SignatureVerifier;
  left: number;
  /** What the first path that was found fails of. */
  failure?: VerificationError;
}

/**
 * Path validation of RFC 5280 section 6, with any certificate policy accepted and without revocation lists: nothing is
 * fetched.
 * @throws VerificationError CERT-CHAIN, CERT-SIGNATURE, CERT-VALIDITY, CERT-AUTHORITY, CERT-EXTENSION, CERT-NAME,
 * CERT-USE, CERT-ALGORITHM
 * @throws FormatError DER-FORM
 */
export function verifyPath(input: PathInput, signatures: SignatureVerifier): VerifiedCertificate {
  const search: Search = { ...input, signatures, left: MAX_SIGNATURES };
  const path = extend(search, [input.leaf]);
  if (path !== undefined) return new PathCertificate(path);
  throw search.failure ?? noIssuer(input.leaf);
}

/** The first path that holds from the last certificate on to an anchor. */
function extend(search: Search, path: readonly ParsedCertificate[]): readonly ParsedCertificate[] | undefined {
  const last = path.at(-1);
  if (last === undefined) return undefined;
  for (const anchor of issuersOf(last, search.anchors)) {
    const whole = [...path, anchor];
    if (holds(search, last, anchor) && isAllowed(search, whole)) return whole;
  }
  if (path.length + 1 >= MAX_PATH) return undefined;
  for (const next of issuersOf(last, search.intermediates)) {
    if (path.some((before) => equalBytes(before.raw, next.raw)) || !holds(search, last, next)) continue;
    const whole = extend(search, [...path, next]);
    if (whole !== undefined) return whole;
    search.failure ??= noIssuer(next);
  }
  return undefined;
}

function issuersOf(certificate: ParsedCertificate, among: readonly ParsedCertificate[]): ParsedCertificate[] {
  return among.filter(({ subject }) => sameName(subject, certificate.issuer));
}

function holds(search: Search, certificate: ParsedCertificate, issuer: ParsedCertificate): boolean {
  if (search.left === 0) throw new VerificationError('CERT-CHAIN', 'the search for a path of certificates is too long');
  search.left -= 1;
  const signature = signatureBy(issuer.publicKey, certificate.signatureAlgorithm, certificate.signature);
  if (signature === undefined) {
    search.failure ??= refused('CERT-ALGORITHM', certificate, 'is signed by an algorithm that is not accepted');
    return false;
  }
  if (search.signatures.verify(issuer.publicKey, signature, certificate.tbs)) return true;
  search.failure ??= refused('CERT-SIGNATURE', certificate, 'is not signed by the authority that it names');
  return false;
}

function isAllowed(search: Search, path: readonly ParsedCertificate[]): boolean {
  const failure = failureOf(search, path);
  if (failure === undefined) return true;
  search.failure ??= failure;
  return false;
}

function failureOf(search: Search, path: readonly ParsedCertificate[]): VerificationError | undefined {
  for (const [below, certificate] of path.entries()) {
    const uses = below === 0 ? [search.use] : [search.use, ...(search.authorityUses ?? [])];
    const failure = failureOfOne(search, certificate, uses) ?? (below === 0 ? undefined : failureOfIssuer(path, below));
    if (failure !== undefined) return failure;
  }
  const [leaf] = path;
  if (leaf === undefined || !basicConstraints(leaf).authority) return undefined;
  return refused('CERT-AUTHORITY', leaf, 'is an authority, where the certificate of one key is wanted');
}

function failureOfOne(
  search: Search,
  certificate: ParsedCertificate,
  uses: readonly string[],
): VerificationError | undefined {
  const { notBefore, notAfter } = certificate.validity;
  if (search.now < notBefore) return refused('CERT-VALIDITY', certificate, `is not valid before ${dateOf(notBefore)}`);
  if (search.now > notAfter) return refused('CERT-VALIDITY', certificate, `was valid until ${dateOf(notAfter)}`);
  const unknown = unknownCriticalExtension(certificate);
  if (unknown !== undefined)
    return refused('CERT-EXTENSION', certificate, `has the unknown critical extension ${unknown}`);
  const weakness = weaknessOf(certificate.publicKey);
  if (weakness !== null) return refused('CERT-ALGORITHM', certificate, `has a weak key: ${weakness}`);
  if (uses.some((use) => mayBeUsedFor(certificate, use))) return undefined;
  return refused('CERT-USE', certificate, 'may not be used for this purpose (extendedKeyUsage)');
}

function failureOfIssuer(path: readonly ParsedCertificate[], below: number): VerificationError | undefined {
  const issuer = path[below];
  if (issuer === undefined) return undefined;
  const { authority, pathLength } = basicConstraints(issuer);
  if (!authority || !maySignCertificates(issuer)) {
    return refused('CERT-AUTHORITY', issuer, 'signed a certificate and is no authority');
  }
  const under = path.slice(0, below);
  // Self-issued certificates do not count (RFC 5280 section 6.1.4 (l)), nor does the leaf.
  const between = under.slice(1).filter(({ subject, issuer: by }) => !sameName(subject, by)).length;
  if (pathLength !== undefined && between > pathLength) {
    return refused('CERT-AUTHORITY', issuer, `allows ${pathLength} authorities below it, and there are ${between}`);
  }
  const outside = under.find((certificate) => isNameOutside(issuer, certificate));
  return outside && refused('CERT-NAME', outside, 'has a name outside those that an authority above it may give');
}

function noIssuer(certificate: ParsedCertificate): VerificationError {
  return refused(
    'CERT-CHAIN',
    certificate,
    `has no trusted issuer: ${nameText(certificate.issuer)} is neither trusted nor given`,
  );
}

type CertificateCode = Extract<VerificationError['code'], `CERT-${string}`>;

function refused(code: CertificateCode, certificate: ParsedCertificate, reason: string): VerificationError {
  return new VerificationError(code, `the certificate of ${nameText(certificate.subject) || '(no name)'} ${reason}`);
}

function dateOf(time: number): string {
  return new Date(time).toISOString();
}
