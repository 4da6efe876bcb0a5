import { createHash } from 'node:crypto';
import { HASH_NAMES, type HashName } from '@assay/core/hash';
import type { KernelProfile, KernelVersion } from '@assay/core/policy';

/** The newest kernel whose answers are recorded. */
export const ENGINE_KERNEL: KernelVersion = { major: 7, minor: 2 };

/** A kernel with every option that the engine can stand in for; labels of security modules it cannot look up. */
export function engineProfile(version: KernelVersion = ENGINE_KERNEL): KernelProfile {
  return {
    name: `the engine as Linux ${version.major}.${version.minor}`,
    version,
    appraise: true,
    modsig: true,
    keyMeasurement: false,
    labels: 'none',
    algorithms: HASH_NAMES.filter(isComputable),
    moduleAlgorithms: [],
    defaultTemplate: 'ima-ng',
    customPolicyActive: false,
  };
}

function isComputable(algorithm: HashName): boolean {
  try {
    createHash(algorithm);
    return true;
  } catch {
    return false; // OpenSSL has it not, or in its legacy provider alone.
  }
}
