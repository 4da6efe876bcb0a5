import { concat } from '@assay/core/bytes';
import type { ParsedCertificate } from '@assay/core/keys';
import {
  AK_TEMPLATES,
  command,
  EMPTY_PASSWORD,
  encodePublic,
  evictControl,
  NV,
  nvDefineSpace,
  nvWrite,
  TPM_HANDLE,
  type AkTemplateName,
} from '@assay/core/tpm';
import { openCloudKey, type CloudKeyName, type Tpm } from '@assay/linux/tpm';
import { DIGITAL_SIGNATURE, GCE_PROPERTIES, gceInstance, mintAkCertificate } from './attestation-key.ts';
import { AUTHORITY, CERTIFICATE_SIGNING, extendedKeyUsage, mintAuthority, type Extension } from './mint.ts';

const AK_USE = '6781050803';
const EK_USE = '6781050801';
/** Bytes that TPMs take in one command. */
const NV_AT_ONCE = 1024;

async function keep(tpm: Tpm, index: number, data: Uint8Array): Promise<void> {
  const attributes = NV.AUTH_READ | NV.OWNER_READ | NV.AUTH_WRITE | NV.NO_DA;
  const area = { nameAlg: 'sha256', authPolicy: new Uint8Array(0), dataSize: data.length } as const;
  const space = {
    authHandle: TPM_HANDLE.OWNER,
    auth: new Uint8Array(0),
    publicInfo: { index, attributes, ...area },
  };
  await tpm.run(command(nvDefineSpace, space, [EMPTY_PASSWORD]));
  for (let offset = 0; offset < data.length; offset += NV_AT_ONCE) {
    const part = { authHandle: index, nvIndex: index, data: data.subarray(offset, offset + NV_AT_ONCE), offset };
    await tpm.run(command(nvWrite, part, [EMPTY_PASSWORD]));
  }
}

/** TPMT_PUBLIC of a template, as Google Compute Engine keeps it: TPM2B_PUBLIC without its size. */
export function cloudTemplate(name: AkTemplateName): Uint8Array<ArrayBuffer> {
  return encodePublic(AK_TEMPLATES[name]).slice(2);
}

/** Where each cloud leaves the key, and the NV index of its certificate. */
const PLACES: Readonly<Record<CloudKeyName, { certificate: number; make: (tpm: Tpm) => Promise<void> }>> = {
  'gce-rsa': { certificate: 0x01c10000, make: async (tpm) => keep(tpm, 0x01c10001, cloudTemplate('rsassa-2048')) },
  'gce-ecc': { certificate: 0x01c10002, make: async (tpm) => keep(tpm, 0x01c10003, cloudTemplate('ecdsa-p256')) },
  azure: {
    certificate: 0x01c101d0,
    async make(tpm) {
      const { handle } = await tpm.createPrimary(TPM_HANDLE.ENDORSEMENT, AK_TEMPLATES['rsassa-2048']);
      const kept = { auth: TPM_HANDLE.OWNER, objectHandle: handle, persistentHandle: 0x81000003 };
      await tpm.using(handle, async () => tpm.run(command(evictControl, kept, [EMPTY_PASSWORD])));
    },
  },
};

/** As the two clouds write them: Google restricts its authorities, not the leaf, and Azure restricts the leaf. */
function extensionsOf(kind: CloudKeyName): readonly Extension[] {
  if (kind === 'azure') return [DIGITAL_SIGNATURE, extendedKeyUsage(AK_USE, '2b0601040182370a030c')];
  return [DIGITAL_SIGNATURE, gceInstance('web', 'fedcba98', [GCE_PROPERTIES])];
}

/** What a cloud put into a TPM. */
export interface CloudKey {
  /** TPM2B_PUBLIC of the key that the cloud certified. */
  readonly akPublic: Uint8Array;
  readonly root: ParsedCertificate;
}

/** Makes a TPM as a cloud has it: the certificate of its key is followed by that of the authority that signed it, and zeros. */
export async function certifyAsCloud(tpm: Tpm, kind: CloudKeyName): Promise<CloudKey> {
  const { certificate, make } = PLACES[kind];
  await make(tpm);
  const key = await openCloudKey(tpm, kind);
  await tpm.using(key.handle, async () => undefined);
  const root = mintAuthority('cloud root');
  const restricted = [AUTHORITY, CERTIFICATE_SIGNING, extendedKeyUsage(EK_USE)];
  const between = mintAuthority('cloud authority', root, { extensions: restricted });
  const leaf = mintAkCertificate(key.public, between, { extensions: extensionsOf(kind) });
  await keep(tpm, certificate, concat([leaf, between.certificate.raw, new Uint8Array(100)]));
  return { akPublic: key.public, root: root.certificate };
}
