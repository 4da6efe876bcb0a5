import { toHex } from '../bytes/index.ts';

/** EFI_GUID as text: the first three fields are little-endian (UEFI specification, appendix A). */
export function guidText(bytes: Uint8Array): string {
  const field = (from: number, to: number) => toHex(bytes.subarray(from, to).toReversed());
  const tail = toHex(bytes.subarray(8, 16));
  return `${field(0, 4)}-${field(4, 6)}-${field(6, 8)}-${tail.slice(0, 4)}-${tail.slice(4)}`;
}

export const EFI_GLOBAL = '8be4df61-93ca-11d2-aa0d-00e098032b8c';
export const IMAGE_SECURITY = 'd719b2cb-3d3a-4596-a3bc-dad00e67656f';
export const SHIM_LOCK = '605dab50-e046-4300-abb6-3dd810dd8b23';
