import type { AppraisedFile, AppraiseMode, AppraisingKernel, SignatureVerdict } from '@assay/core/appraisal';
import { fromHex } from '@assay/core/bytes';
import { parseKernelVersion, type Demands } from '@assay/core/policy';

export const NO_DEMANDS: Demands = {
  signature: false,
  sigv3: false,
  modsig: false,
  blacklist: false,
  verity: false,
  permitDirectio: false,
  failUnverifiable: false,
};
export const SIGNATURE = { ...NO_DEMANDS, signature: true };
export const VERITY = { ...SIGNATURE, verity: true };
export const SIGV3 = { ...SIGNATURE, sigv3: true };
export const MODSIG = { ...SIGNATURE, modsig: true };

export const DIGEST = { algorithm: 'sha256', value: new Uint8Array(32).fill(7) } as const;
export const HASH = Uint8Array.of(4, 4, ...DIGEST.value);
export const WRONG = Uint8Array.of(4, 4, ...new Uint8Array(32));
export const V2 = fromHex('030204a0b1c2d30002dead');
export const V3 = V2.with(1, 3);
export const OF_VERITY = V3.with(0, 6);

export function kernelOf(version: string, mode: AppraiseMode = 'enforce'): AppraisingKernel {
  return { version: parseKernelVersion(version), mode, imaHash: 'sha256' };
}

export function fileOf(change: Partial<AppraisedFile>, verdict: SignatureVerdict = 'valid'): AppraisedFile {
  return { label: HASH, evm: 'unknown', signature: () => verdict, empty: false, isNew: false, ...change };
}
