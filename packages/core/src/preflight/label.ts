import { decideAccess, type AppraisalRules, type AppraisingKernel } from '../appraisal/index.ts';
import { LABEL_TYPES } from '../label/index.ts';

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

/** What of a file its label is compared with. */
export interface LabelledFile {
  readonly label: FoundLabel;
  /** Bytes. */
  readonly size: number;
  /** Whether the content has the digest of its label, where that was computed. */
  readonly content?: 'equal' | 'different';
}

/**
 * Why the kernel refuses the first access to a file that a rule appraises: its decision under the best circumstances, in
 * which the digest in the label is that of the content unless this is known better, a signature is good, and EVM has no key.
 * @returns the cause of its audit record; undefined where it does not refuse
 */
export function labelRefusal(
  { label, size, content }: LabelledFile,
  rules: AppraisalRules,
  kernel: AppraisingKernel,
): string | undefined {
  const value = label === 'unsupported' ? null : label;
  const digest = digestIn(value);
  const { passes, cause, status } = decideAccess(
    rules,
    {},
    {
      label: value,
      hasXattrs: label !== 'unsupported',
      evm: 'unknown',
      signature: () => 'valid',
      empty: size === 0,
      collected: {
        algorithm: kernel.imaHash,
        value: content === 'different' ? digest.map((byte) => byte ^ 0xff) : digest,
      },
    },
    kernel,
  );
  return passes ? undefined : (cause ?? status);
}

function digestIn(label: Uint8Array | null | 'unreadable'): Uint8Array {
  if (label === null || label === 'unreadable') return new Uint8Array();
  return label.subarray(label[0] === LABEL_TYPES.digest ? 2 : 1);
}
