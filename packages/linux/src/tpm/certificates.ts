import { EK_TEMPLATES } from '@assay/core/tpm';
import { listNvIndices, readNv } from './nv.ts';
import type { Tpm } from './tpm.ts';

/** A certificate that a TPM keeps. It is as the TPM gave it: nothing of it is checked. */
export interface TpmCertificate {
  readonly index: number;
  /** `EK L-1` and so on; `platform`, `IAK`, `IDevID`, `AK RSA (GCE)`, `AK ECC (GCE)`, `AK (Azure)`. */
  readonly use: string;
  /** X.509, in DER. */
  readonly der: Uint8Array;
}

/** NV indices of certificates (TCG EK Credential Profile 2.2.1.4; PC Client Platform TPM Profile; cloud providers). */
const USES = new Map<number, string>([
  ...Object.entries(EK_TEMPLATES).map(([name, { certificateIndex }]) => [certificateIndex, `EK ${name}`] as const),
  [0x01c0001a, 'EK H-5'],
  [0x01c08000, 'platform'],
  [0x01c10000, 'AK RSA (GCE)'],
  [0x01c10002, 'AK ECC (GCE)'],
  [0x01c101d0, 'AK (Azure)'],
  [0x01c90100, 'IAK'],
  [0x01c90200, 'IDevID'],
]);

/** Certificates of the authorities above the EK's, one after another in these indices. */
const CHAIN = { first: 0x01c00100, last: 0x01c001ff } as const;

/** The certificates that a TPM keeps in its NV storage, by ascending index. */
export async function readCertificates(tpm: Tpm): Promise<TpmCertificate[]> {
  const found: TpmCertificate[] = [];
  for (const index of await listNvIndices(tpm)) {
    const use = USES.get(index);
    if (use === undefined) continue;
    const [der] = certificatesIn((await readNv(tpm, index)) ?? new Uint8Array(0));
    if (der !== undefined) found.push({ index, use, der });
  }
  return found;
}

/** The intermediate certificates that a TPM brings along, in order. */
export async function readCertificateChain(tpm: Tpm): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = [];
  for (const index of await listNvIndices(tpm)) {
    if (index < CHAIN.first || index > CHAIN.last) continue;
    parts.push((await readNv(tpm, index)) ?? new Uint8Array(0));
  }
  return certificatesIn(Buffer.concat(parts));
}

/**
 * Certificates one after another, each as long as its DER says; what a TPM leaves after the last, zeros or ones, is
 * left out.
 */
export function certificatesIn(bytes: Uint8Array): Uint8Array[] {
  const all: Uint8Array[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    // A SEQUENCE whose length takes two bytes: each X.509 certificate is between 128 and 65535 bytes long.
    if (bytes[at] !== 0x30 || bytes[at + 1] !== 0x82) break;
    const size = 4 + (((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0));
    if (at + size > bytes.length) break;
    all.push(bytes.slice(at, at + size));
    at += size;
  }
  return all;
}
