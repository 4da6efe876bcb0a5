import { FormatError } from '@assay/core/errors';
import {
  EK_TEMPLATES,
  encode,
  parsePublic,
  sized,
  TPM_HANDLE,
  type EkTemplate,
  type EkTemplateName,
  type PublicArea,
} from '@assay/core/tpm';
import { readNv } from './nv.ts';
import type { LoadedObject, Tpm } from './tpm.ts';

const MAX_TEMPLATE = 1024;

/**
 * The endorsement key that the certificate of a template is for: its maker may have left a template of its own in the
 * TPM, or a nonce for the default one (TCG EK Credential Profile 2.5, section 2.2.1). Where there is neither, it is
 * the key of `Tpm.createEndorsementKey`.
 * @throws FormatError where the TPM keeps a template or nonce that is none
 */
export async function createCertifiedEndorsementKey(tpm: Tpm, name: EkTemplateName): Promise<LoadedObject> {
  const template = EK_TEMPLATES[name];
  const area = await templateOf(tpm, template);
  const nonce = template.nonceIndex === undefined ? undefined : await readNv(tpm, template.nonceIndex);
  return tpm.createPrimary(TPM_HANDLE.ENDORSEMENT, nonce === undefined ? area : withNonce(area, nonce));
}

async function templateOf(tpm: Tpm, { templateIndex, area }: EkTemplate): Promise<PublicArea> {
  const kept = await readNv(tpm, templateIndex); // TPMT_PUBLIC.
  return kept === undefined ? area : parsePublic(encode(sized(MAX_TEMPLATE), kept));
}

/** The nonce and zeros, as many as make up the modulus or the first coordinate. */
function withNonce(area: PublicArea, nonce: Uint8Array): PublicArea {
  const field = area.type === 'ecc' ? area.x : area.type === 'rsa' ? area.modulus : new Uint8Array(0);
  if (nonce.length > field.length) {
    throw new FormatError('BYTES-LIMIT', `an EK nonce of ${nonce.length} bytes, where ${field.length} fit`);
  }
  const unique = new Uint8Array(field.length);
  unique.set(nonce);
  if (area.type === 'ecc') return { ...area, x: unique };
  return area.type === 'rsa' ? { ...area, modulus: unique } : area;
}
