import { toBase64 } from '@assay/core/bytes';
import { VerificationError } from '@assay/core/errors';
import { checkEndorsementKey, parsePublic, TpmResponseError, type EkTemplateName } from '@assay/core/tpm';
import {
  createCertifiedEndorsementKey,
  readCertificateChain,
  readCertificates,
  type Tpm,
  type TpmCertificate,
} from '@assay/linux/tpm';
import { EK_CERTIFICATE_LIMIT, EK_CERTIFICATES_LIMIT } from '@assay/wire';

/** Templates of endorsement keys in the order in which one with a certificate is taken: small and fast ones first. */
export const EK_PREFERENCE = [
  'L-2',
  'L-1',
  'H-2',
  'H-3',
  'H-1',
  'H-4',
  'H-6',
  'H-7',
] as const satisfies EkTemplateName[];

/** The template of an endorsement key that the maker of the TPM certified; undefined where there is none. */
export async function certifiedTemplate(tpm: Tpm): Promise<EkTemplateName | undefined> {
  const uses = new Set((await certificatesOf(tpm)).map(({ use }) => use));
  for (const template of EK_PREFERENCE)
    if (uses.has(`EK ${template}`) && (await isUsable(tpm, template))) return template;
  return undefined;
}

/** Makers may leave a template of their own in the TPM, whose keys no verifier takes. */
async function isUsable(tpm: Tpm, template: EkTemplateName): Promise<boolean> {
  try {
    const made = await createCertifiedEndorsementKey(tpm, template);
    await tpm.flush(made.handle);
    checkEndorsementKey(parsePublic(made.public));
    return true;
  } catch (error) {
    if (error instanceof VerificationError || error instanceof TpmResponseError) return false;
    throw error;
  }
}

/** The endorsement key of a template, or the one that every TPM has. To be flushed. */
export function endorsementKey(tpm: Tpm, template?: EkTemplateName): Promise<{ handle: number; public: Uint8Array }> {
  return template === undefined ? tpm.createEndorsementKey() : createCertifiedEndorsementKey(tpm, template);
}

/** What the TPM has to vouch for a key, as it is sent: its certificate, then those above; nothing of it is checked. */
export async function sentCertificates(tpm: Tpm, template: EkTemplateName): Promise<string[]> {
  const own = (await certificatesOf(tpm)).find(({ use }) => use === `EK ${template}`);
  if (own === undefined || own.der.length > EK_CERTIFICATE_LIMIT) return [];
  const above = (await readCertificateChain(tpm)).filter((der) => der.length <= EK_CERTIFICATE_LIMIT);
  return [own.der, ...above].slice(0, EK_CERTIFICATES_LIMIT).map(toBase64);
}

/** A TPM without NV storage has none. */
async function certificatesOf(tpm: Tpm): Promise<TpmCertificate[]> {
  try {
    return await readCertificates(tpm);
  } catch (error) {
    if (error instanceof TpmResponseError) return [];
    throw error;
  }
}
