import { ByteReader, ByteWriter, equalBytes, isAllZero, utf8 } from '../bytes/index.ts';
import {
  LARGEST_SIGNED_DATA,
  verifySignedData,
  type ParsedSignedData,
  type SignedDataPorts,
  type SignerCertificate,
  type VerifiedSignedData,
} from '../cms/index.ts';
import { FormatError, VerificationError } from '../errors/index.ts';
import type { ComputedDigest } from './verify.ts';

const MARK = utf8('~Module signature appended~\n');
/** struct module_signature of include/linux/module_signature.h. */
const HEADER_SIZE = 12;
/** What follows an appended signature. */
export const MODSIG_TRAILER_SIZE = HEADER_SIZE + MARK.length;
/** PKEY_ID_PKCS7 */
const PKCS7 = 2;

/** Where the parts of a file with an appended signature are: the content from its start, then the signature in CMS. */
export interface ModsigPlace {
  readonly contentSize: number;
  readonly signatureSize: number;
}

/**
 * Finds an appended signature (kernel/module_signature.c, mod_check_sig; scripts/sign-file.c).
 *
 * @param end the last `MODSIG_TRAILER_SIZE` bytes of the file, or all of a shorter one.
 * @param fileSize of the whole file in bytes.
 * @returns undefined where the file does not end in the mark.
 * @throws FormatError MODSIG-FORM, BYTES-LIMIT
 */
export function findModsig(end: Uint8Array, fileSize: number): ModsigPlace | undefined {
  const trailer = end.subarray(-MODSIG_TRAILER_SIZE);
  if (!equalBytes(trailer.subarray(-MARK.length), MARK)) return undefined;
  if (trailer.length < MODSIG_TRAILER_SIZE) throw refused('nothing but the mark is there');
  const reader = new ByteReader(trailer, 'appended signature');
  const [algorithms, kind] = [reader.take(2, 'algorithms'), reader.u8('kind')];
  if (kind !== PKCS7) throw refused(`it is of kind ${kind}, and the kernel takes PKCS#7 (2) only`);
  const unused = reader.take(5, 'lengths of signer and key id');
  if (!isAllZero(algorithms) || !isAllZero(unused)) throw refused('a field that must be zero is not');
  const signatureSize = reader.length32('signature size', LARGEST_SIGNED_DATA);
  const contentSize = fileSize - MODSIG_TRAILER_SIZE - signatureSize;
  if (signatureSize === 0 || contentSize <= 0) throw refused(`${signatureSize} bytes of it do not fit the file`);
  return { contentSize, signatureSize };
}

/** What is put behind a file: the signature in CMS, and how long it is. */
export function encodeModsig(signedData: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = new ByteWriter().u16(0).u8(PKCS7).bytes(new Uint8Array(5)).u32(signedData.length);
  return new ByteWriter().bytes(signedData).bytes(header.finish()).bytes(MARK).finish();
}

/**
 * Checks an appended signature as the kernel does (security/integrity/ima/ima_modsig.c, ima_modsig_verify).
 *
 * @param content digest of the content without the signature.
 * @param certificates those that are trusted to sign it.
 * @throws VerificationError MODSIG-ATTRIBUTES, and as `verifySignedData`
 */
export function verifyModsig(
  signed: ParsedSignedData,
  content: ComputedDigest,
  certificates: readonly SignerCertificate[],
  ports: SignedDataPorts,
): VerifiedSignedData {
  const verified = verifySignedData(signed, content, certificates, ports);
  if (signed.attributes === undefined) return verified;
  throw new VerificationError(
    'MODSIG-ATTRIBUTES',
    'the signature is right, but over attributes: the kernel refuses it',
  );
}

function refused(reason: string): FormatError {
  return new FormatError('MODSIG-FORM', `appended signature: ${reason}`);
}
