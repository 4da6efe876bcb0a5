import { equalBytes, toHex } from '../bytes/index.ts';
import { VerificationError } from '../errors/index.ts';
import { checkAttestation, SignedAttest, type AttestationInput, type AttestationPorts, type InfoOf } from './signed.ts';
import type { AttestKind, ParsedAttest } from './structures/attest.ts';

type OtherKind = Exclude<AttestKind, 'quote'>;

/** An attestation that the key made for this question, about what was asked. Only the checks below make one. */
class Attestation<K extends OtherKind> extends SignedAttest {
  readonly #attested: InfoOf<K>;

  constructor(attest: ParsedAttest, attested: InfoOf<K>, akName: Uint8Array | undefined) {
    super(attest, akName);
    this.#attested = attested;
  }

  get attested(): InfoOf<K> {
    return this.#attested;
  }
}

export type VerifiedAttestation<K extends OtherKind> = Attestation<K>;

/**
 * TPM2_Certify: an object of this name is loaded in the TPM of the key.
 * @param expected.qualifiedName where the parents of the object are known
 * @throws FormatError, and VerificationError QUOTE-SIGNATURE, QUOTE-MAGIC, QUOTE-NONCE, ATTEST-SUBJECT; the first that
 *   applies, in this order
 */
export function verifyCertify(
  input: AttestationInput,
  expected: { readonly name: Uint8Array; readonly qualifiedName?: Uint8Array },
  ports: AttestationPorts,
): VerifiedAttestation<'certify'> {
  const checked = checkAttestation('certify', input, ports);
  requireSame('object', checked.attested.name, expected.name);
  if (expected.qualifiedName !== undefined) {
    requireSame('qualified name', checked.attested.qualifiedName, expected.qualifiedName);
  }
  return new Attestation(checked.attest, checked.attested, input.ak.name);
}

/**
 * TPM2_CertifyCreation: the TPM of the key created this object, as the creation data say.
 * @param expected.creationHash digest of the creation data by the name algorithm of the object
 * @throws as verifyCertify
 */
export function verifyCreation(
  input: AttestationInput,
  expected: { readonly name: Uint8Array; readonly creationHash: Uint8Array },
  ports: AttestationPorts,
): VerifiedAttestation<'creation'> {
  const checked = checkAttestation('creation', input, ports);
  requireSame('object', checked.attested.objectName, expected.name);
  requireSame('creation data', checked.attested.creationHash, expected.creationHash);
  return new Attestation(checked.attest, checked.attested, input.ak.name);
}

/**
 * TPM2_NV_Certify: an NV index of this name has these bytes at this offset.
 * @param expected.indexName see `nvName`; covers attributes and policy of the index, so also who may write it
 * @throws as verifyCertify
 */
export function verifyNvCertify(
  input: AttestationInput,
  expected: { readonly indexName: Uint8Array; readonly offset: number; readonly size: number },
  ports: AttestationPorts,
): VerifiedAttestation<'nv'> {
  const checked = checkAttestation('nv', input, ports);
  const { indexName, offset, contents } = checked.attested;
  requireSame('NV index', indexName, expected.indexName);
  if (offset !== expected.offset || contents.length !== expected.size) {
    const asked = `${expected.size} from ${expected.offset}`;
    throw refused(`it covers ${contents.length} bytes from ${offset}, asked for were ${asked}`);
  }
  return new Attestation(checked.attest, checked.attested, input.ak.name);
}

/**
 * TPM2_GetTime: what the clock of the TPM shows.
 * @throws as verifyCertify, but ATTEST-SUBJECT
 */
export function verifyTime(input: AttestationInput, ports: AttestationPorts): VerifiedAttestation<'time'> {
  const checked = checkAttestation('time', input, ports);
  return new Attestation(checked.attest, checked.attested, input.ak.name);
}

/**
 * TPM2_GetSessionAuditDigest: the commands of an audit session lead to this digest.
 * @throws as verifyCertify
 */
export function verifySessionAudit(
  input: AttestationInput,
  expected: { readonly sessionDigest: Uint8Array },
  ports: AttestationPorts,
): VerifiedAttestation<'session-audit'> {
  const checked = checkAttestation('session-audit', input, ports);
  requireSame('digest of the session', checked.attested.sessionDigest, expected.sessionDigest);
  return new Attestation(checked.attest, checked.attested, input.ak.name);
}

function requireSame(what: string, signed: Uint8Array, expected: Uint8Array): void {
  if (equalBytes(signed, expected)) return;
  throw refused(`${what} ${toHex(signed).slice(0, 80)} is not the expected one`);
}

function refused(reason: string): VerificationError {
  return new VerificationError('ATTEST-SUBJECT', `attestation refused: ${reason}`);
}
