import fc from 'fast-check';
import assert from 'node:assert/strict';
import {
  checkPolicy,
  debianOptions,
  lintPolicy,
  parseKernelVersion,
  parsePolicy,
  type KernelProfile,
  type LintFinding,
} from '@assay/core/policy';

/** Every hash algorithm that 6.12 implements, modsig, no labels, a custom policy active. */
export const OPTIONS_6_12: KernelProfile = {
  name: '6.12 with options',
  version: { major: 6, minor: 12 },
  appraise: true,
  modsig: true,
  keyMeasurement: true,
  labels: 'none',
  algorithms: (
    'md4 md5 sha1 rmd160 sha224 sha256 sha384 sha512 wp256 wp384 wp512 sm3 ' +
    'streebog256 streebog512 sha3-256 sha3-384 sha3-512'
  ).split(' '),
  moduleAlgorithms: [],
  defaultTemplate: 'ima-ng',
  customPolicyActive: true,
};

export function debian(release: string): KernelProfile {
  const version = parseKernelVersion(release);
  return { name: release, version, ...debianOptions(version) };
}

export const kernel: fc.Arbitrary<KernelProfile> = fc.oneof(
  fc.constantFrom('5.4', '5.10', '5.15', '6.1', '6.6', '6.12', '6.14', '6.19', '7.0', '7.1', '7.2').map(debian),
  fc.constant(OPTIONS_6_12),
  fc.constant({ ...OPTIONS_6_12, labels: 'selinux' as const, version: { major: 7, minor: 2 } }),
);

/** @param text rules that the kernel accepts */
export function lintText(text: string, profile = OPTIONS_6_12): LintFinding[] {
  const lines = parsePolicy(text);
  const { rules } = checkPolicy(lines, profile);
  for (const rule of rules) assert.ok(rule.accepted, rule.text);
  return lintPolicy(lines, rules, profile);
}
