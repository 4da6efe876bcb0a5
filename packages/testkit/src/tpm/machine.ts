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

const FIRMWARE_VERSION = 1n << 32n;

export interface MachineOptions {
  /** 32 bytes from which the primary keys come; random if not given. */
  readonly seed?: Uint8Array;
  /** Of the state before: TPM2_Startup adds one. */
  readonly resetCount?: number;
  /** 64 bits; by default those of 1.0. */
  readonly firmwareVersion?: bigint;
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

  /** As attestations hold it: TPM_PT_FIRMWARE_VERSION_1 and _2. */
  readonly firmwareVersion: bigint;

  constructor({ seed = randomBytes(32), resetCount = 0, firmwareVersion = FIRMWARE_VERSION }: MachineOptions) {
    this.seed = seed;
    this.resetCount = resetCount;
    this.firmwareVersion = firmwareVersion;
  }

  get clockInfo(): ClockInfo {
    return { clock: this.milliseconds, resetCount: this.resetCount, restartCount: 0, safe: true };
  }

  /** Since this TPM got power. */
  get milliseconds(): bigint {
    return BigInt(Math.floor(performance.now() - this.#poweredAt));
  }
}
