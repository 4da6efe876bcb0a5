import { readFile } from 'node:fs/promises';
import type { ParsedCertificate } from '@assay/core/keys';
import { parseCertificates } from '@assay/core/x509';

/** Authorities of makers of TPMs, as data/tpm-makers/README.md tells of them. */
export interface TpmMakers {
  /** Trusted. */
  readonly roots: readonly ParsedCertificate[];
  /** Not trusted by themselves: they may stand between an endorsement certificate and a root. */
  readonly intermediates: readonly ParsedCertificate[];
}

/** The authorities that come with Assay. */
export async function readTpmMakers(): Promise<TpmMakers> {
  const read = async (name: string): Promise<ParsedCertificate[]> =>
    parseCertificates(await readFile(new URL(`../data/tpm-makers/${name}.pem`, import.meta.url), 'utf8'));
  return { roots: await read('roots'), intermediates: await read('intermediates') };
}
