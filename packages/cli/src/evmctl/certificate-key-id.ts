import { FormatError } from '@assay/core/errors';
import { keyIdOfIdentifier, parseCertificateOutline } from '@assay/core/keys';
import { certificateBlocks } from '../labels/certificates.ts';
import type { Run } from './run.ts';

/**
 * Key id in the subject key identifier of a certificate, with the messages of evmctl.
 * @param form `pem`: one that may stand in the file; `any`: the one that must, in PEM or DER
 */
export function certificateKeyId(run: Run, path: string, form: 'pem' | 'any'): number | undefined {
  const content = run.content(path);
  if (content === undefined) {
    run.say(`Cannot open ${path}: ${run.takeErrno()}`);
    return undefined;
  }
  const [block = form === 'any' ? content : undefined] = certificateBlocks(content);
  if (block === undefined) {
    run.detail(`${path}: x509 certificate not found`);
    return undefined;
  }
  const identifier = identifierOf(run, path, block);
  if (identifier === undefined) return undefined;
  if (identifier.length < 4) {
    run.say(`read keyid: ${path}: SKID too short (len ${identifier.length})`);
    return undefined;
  }
  const keyId = keyIdOfIdentifier(identifier);
  run.say(`keyid ${keyId.toString(16).padStart(4, '0')} (from ${path})`);
  return keyId;
}

function identifierOf(run: Run, path: string, der: Uint8Array): Uint8Array | undefined {
  try {
    const { subjectKeyIdentifier } = parseCertificateOutline(Uint8Array.from(der));
    if (subjectKeyIdentifier === undefined) run.say(`read keyid: ${path}: SKID not found`);
    return subjectKeyIdentifier;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    run.say(error.message);
    run.say(`read keyid: ${path}: Error reading x509 certificate`);
    return undefined;
  }
}
