import { SystemError } from '@assay/core/errors';
import {
  command,
  createPrimary,
  EMPTY_PASSWORD,
  encode,
  NO_SENSITIVE,
  sized,
  TPM_HANDLE,
  TpmResponseError,
} from '@assay/core/tpm';
import { certificatesIn } from './certificates.ts';
import { readNv } from './nv.ts';
import type { LoadedObject, Tpm } from './tpm.ts';

/**
 * Attestation keys that clouds certify in the virtual TPMs of their machines: the NV index of the certificate, and that of
 * the template (TPMT_PUBLIC) of which the endorsement hierarchy makes the key, or the handle at which the key is.
 */
const CLOUD_KEYS = {
  'gce-ecc': { cloud: 'Google Compute Engine', certificate: 0x01c10002, template: 0x01c10003 },
  'gce-rsa': { cloud: 'Google Compute Engine', certificate: 0x01c10000, template: 0x01c10001 },
  azure: { cloud: 'Azure', certificate: 0x01c101d0, handle: 0x81000003 },
} as const;
export type CloudKeyName = keyof typeof CLOUD_KEYS;
export const CLOUD_KEY_NAMES = ['gce-ecc', 'gce-rsa', 'azure'] as const satisfies CloudKeyName[];

const MAX_TEMPLATE = 1024;

/**
 * The attestation key that a cloud certified: the same each time. To be given to `Tpm.using`, which leaves a persistent one.
 * @throws SystemError TPM-RESPONSE where the TPM has none
 */
export async function openCloudKey(tpm: Tpm, name: CloudKeyName): Promise<LoadedObject> {
  const key = CLOUD_KEYS[name];
  if ('handle' in key) return persistent(tpm, name, key.handle);
  const template = await readNv(tpm, key.template);
  if (template === undefined) throw missing(name, 'template of an attestation key', atIndex(key.template));
  return fromTemplate(tpm, template);
}

/** TPM_RC_HANDLE about the first handle: there is no such object. */
const NO_OBJECT = 0x18b;

async function persistent(tpm: Tpm, name: CloudKeyName, handle: number): Promise<LoadedObject> {
  try {
    return { handle, ...(await tpm.readPublic(handle)) };
  } catch (error) {
    if (!(error instanceof TpmResponseError && error.responseCode === NO_OBJECT)) throw error;
    throw missing(name, 'attestation key', `handle ${hexOf(handle)}`);
  }
}

/** The key depends on each byte of the template, so it goes to the TPM as it is. */
async function fromTemplate(tpm: Tpm, template: Uint8Array): Promise<LoadedObject> {
  const nothing = new Uint8Array(0);
  const inPublic = encode(sized(MAX_TEMPLATE), template);
  const parameters = { inSensitive: NO_SENSITIVE, inPublic, outsideInfo: nothing, creationPcr: [] };
  const made = command(createPrimary, { primaryHandle: TPM_HANDLE.ENDORSEMENT, ...parameters }, [EMPTY_PASSWORD]);
  const { objectHandle, outPublic, name } = await tpm.run(made);
  return { handle: objectHandle, public: outPublic, name };
}

/**
 * The certificate of that key, then those that follow it in the TPM; nothing of them is checked.
 * @throws SystemError TPM-RESPONSE where the TPM has none
 */
export async function readCloudCertificates(tpm: Tpm, name: CloudKeyName): Promise<Uint8Array[]> {
  const { certificate } = CLOUD_KEYS[name];
  const found = certificatesIn((await readNv(tpm, certificate)) ?? new Uint8Array(0));
  if (found.length === 0) throw missing(name, 'certificate', atIndex(certificate));
  return found;
}

function missing(name: CloudKeyName, what: string, where: string): SystemError {
  const { cloud } = CLOUD_KEYS[name];
  return new SystemError('TPM-RESPONSE', `no ${what} at ${where}: this is no TPM of ${cloud}, or one without ${name}`);
}

function atIndex(index: number): string {
  return `NV index ${hexOf(index)}`;
}

function hexOf(place: number): string {
  return `0x${place.toString(16).padStart(8, '0')}`;
}
