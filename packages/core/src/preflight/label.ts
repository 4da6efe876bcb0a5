import { appraise, type AppraisingKernel } from '../appraisal/index.ts';
import { LABEL_TYPES } from '../label/index.ts';
import type { Demands } from '../policy/index.ts';

/** What stands in security.ima: its value, null for none, or that the file system keeps no such attributes. */
export type FoundLabel = Uint8Array | null | 'unsupported' | 'unreadable';

export type LabelClass = 'none' | 'digest' | 'signature' | 'verity' | 'unknown' | 'unsupported' | 'unreadable';

/** By the first byte, as the kernel tells them. */
export function labelClass(label: FoundLabel): LabelClass {
  if (typeof label === 'string') return label;
  if (label === null || label.length === 0) return 'none';
  return CLASSES.get(label[0] ?? 0) ?? 'unknown';
}

const CLASSES: ReadonlyMap<number, LabelClass> = new Map([
  [LABEL_TYPES.legacyDigest, 'digest'],
  [LABEL_TYPES.digest, 'digest'],
  [LABEL_TYPES.signature, 'signature'],
  [LABEL_TYPES.verity, 'verity'],
]);

/**
 * Why the kernel refuses a file for its label, whatever its content is: the decision of `appraise` under the best
 * circumstances, in which the digest in the label is that of the content, a signature is good, and EVM has no key.
 * @param isEmpty size 0
 * @returns the cause of its audit record; undefined where the content decides
 */
export function labelRefusal(
  label: FoundLabel,
  isEmpty: boolean,
  demands: Demands,
  kernel: AppraisingKernel,
): string | undefined {
  const value = label === 'unsupported' ? null : label;
  const digest = { algorithm: kernel.imaHash, value: digestIn(value) };
  const { status, cause = status } = appraise(
    {
      label: value,
      hasXattrs: label !== 'unsupported',
      evm: 'unknown',
      signature: () => 'valid',
      empty: isEmpty,
      isNew: false,
    },
    digest,
    demands,
    kernel,
  );
  return status === 'pass' ? undefined : cause;
}

function digestIn(label: Uint8Array | null | 'unreadable'): Uint8Array {
  if (label === null || label === 'unreadable') return new Uint8Array();
  return label.subarray(label[0] === LABEL_TYPES.digest ? 2 : 1);
}
