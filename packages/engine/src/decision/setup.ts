import type { EvmState } from '@assay/core/appraisal';
import type { HashName } from '@assay/core/hash';
import type { LabelKey } from '@assay/core/label';
import type { KernelProfile, PlacedRule } from '@assay/core/policy';
import type { CheckingKey } from '@assay/linux/keyrings';

/** What a kernel has in its build and on its command line. */
export interface EngineKernel {
  readonly profile: KernelProfile;
  /** `ima_hash=` */
  readonly imaHash: HashName;
  /** `ima_template=`: name, or a format. */
  readonly template: string;
}

/** Whose writing gives a file a new hash label: that of all who may write it, as in the kernel, or of updaters alone. */
export type Relabel = 'writers' | 'updaters';

/** A program that installs software. */
export interface Updater {
  /** As the engine sees it, without symbolic links; a byte is a character. */
  readonly path: string;
  /** SHA-256, in hexadecimal. */
  readonly digest: string;
}

/** All that a decider is made from; data that threads can hand over. */
export interface DeciderSetup {
  /** Another one for other rules or keys. */
  readonly epoch: number;
  readonly rules: readonly PlacedRule[];
  readonly failSecurely: boolean;
  readonly kernel: EngineKernel;
  /** Of certificates that security.ima may be signed by, the keyring `.ima`. */
  readonly keys: readonly LabelKey[];
  /** Of keyrings of the kernel, by which it checks signatures in security.ima for the engine. */
  readonly kernelKeys?: readonly CheckingKey[];
  /** Without one EVM has no key, and says nothing. */
  readonly evm?: EvmState;
  readonly updaters: readonly Updater[];
  readonly relabel: Relabel;
  /** Memory of `EngineControl`. */
  readonly control: SharedArrayBuffer;
}
