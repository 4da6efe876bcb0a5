import { randomBytes } from 'node:crypto';
import type { ClockInfo } from '@assay/core/tpm';
import type { HashName } from '@assay/core/hash';
import type { TpmKey } from './keys.ts';
import { PcrBanks } from './pcr-banks.ts';
import { RC } from './refusal.ts';
import { Slots } from './slots.ts';

export const FIRST_OBJECT = 0x80000000;
export const FIRST_POLICY_SESSION = 0x03000000;

export interface PolicySession {
  readonly hash: HashName;
  readonly nonceTpm: Uint8Array;
  policyDigest: Uint8Array;
}

/** What a TPM holds: a seed and a counter that last, and the rest, which is gone with the power. */
export class Machine {
  readonly seed: Uint8Array;
  resetCount: number;
  started = false;
  readonly pcrs = new PcrBanks();
  readonly objects = new Slots<TpmKey>(FIRST_OBJECT, RC.OBJECT_MEMORY);
  readonly sessions = new Slots<PolicySession>(FIRST_POLICY_SESSION, RC.SESSION_MEMORY);
  readonly #poweredAt = performance.now();

  constructor(seed: Uint8Array = randomBytes(32), resetCount = 0) {
    this.seed = seed;
    this.resetCount = resetCount;
  }

  get clockInfo(): ClockInfo {
    return { clock: this.milliseconds, resetCount: this.resetCount, restartCount: 0, safe: true };
  }

  /** Since this TPM got power. */
  get milliseconds(): bigint {
    return BigInt(Math.floor(performance.now() - this.#poweredAt));
  }
}
