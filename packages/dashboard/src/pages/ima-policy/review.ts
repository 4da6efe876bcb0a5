import {
  builtinPolicy,
  type CheckedPolicy,
  checkPolicy,
  DEBIAN_BUILTIN_OPTIONS,
  debianOptions,
  fixPolicy,
  type KernelProfile,
  type LintFinding,
  lintPolicy,
  parseBootPolicy,
  parseKernelVersion,
  parseOptionList,
  parsePolicy,
  printPolicy,
} from '@assay/core/policy';

/** Kernels that are offered; the oldest that distributions still keep up, and the newest. */
export const KERNELS = ['7.3', '7.1', '6.18', '6.12', '6.6', '6.1', '5.15', '5.10'] as const;
export const DEFAULT_KERNEL = '6.12';

export function profileOf(kernel: string, options: string): KernelProfile {
  const version = parseKernelVersion(kernel);
  return { name: kernel, version, ...(parseOptionList(options, version) ?? debianOptions(version)) };
}

export interface Review {
  readonly checked: CheckedPolicy;
  readonly lint: readonly LintFinding[];
}

/** What the kernel would say of the policy, and what a person should know of it. */
export function reviewOf(text: string, profile: KernelProfile): Review {
  const lines = parsePolicy(text);
  const checked = checkPolicy(lines, profile);
  return { checked, lint: lintPolicy(lines, checked.rules, profile) };
}

/** The policy with all that can be mended safely. */
export function mended(text: string, profile: KernelProfile): { text: string; fixed: number } {
  const { lines, fixed } = fixPolicy(parsePolicy(text), profile);
  return { text: printPolicy(lines), fixed: fixed.length };
}

/** A built-in policy of the kernel, to start from. */
export function builtinText(name: string, profile: KernelProfile): string {
  const { rules } = builtinPolicy(parseBootPolicy(name), profile, DEBIAN_BUILTIN_OPTIONS);
  return rules.map(({ text }) => `${text}\n`).join('');
}
