import type { MapSetup } from '@assay/linux/bpf';

// What programs in the kernel and threads of the engine share, byte by byte.

/** What a verdict was about: executing, and mapping for execution. */
export const USE = { exec: 1, map: 2 } as const;

/** A vouch: the value at an inode. Only one that is confirmed, of this generation and of the inode's state, counts. */
export const VOUCH = { generation: 0, uses: 4, seconds: 8, nanoseconds: 16, confirmed: 20, size: 24 } as const;

/** What holds now: the generation of vouches, the time until which there are refusals (CLOCK_MONOTONIC, ns), the engine itself. */
export const CONFIG = { generation: 0, own: 4, enforceUntil: 8, size: 16 } as const;

/** Counters, 64 bits each. */
export const COUNTER = { passed: 0, refused: 8, unasked: 16, dropped: 24, size: 32 } as const;

/** Of something that ran, or would have run, without a verdict. */
export const REPORT = {
  hook: 0,
  reason: 4,
  /** Process in the upper half, thread in the lower. */
  task: 8,
  inode: 16,
  device: 24,
  refused: 28,
  user: 32,
  comm: 40,
  name: 56,
  size: 120,
} as const;
export const COMM_SIZE = 16;
export const NAME_SIZE = 64;

/** By the numbers that programs write. */
export const HOOKS = ['bprm_check_security', 'mmap_file', 'file_mprotect'] as const;
export type GateHook = (typeof HOOKS)[number];
/** Hooks at which vouches are taken away. */
export const CHANGES = ['file_open', 'inode_setattr'] as const;
export const REASONS = ['unasked', 'open_writers', 'changed'] as const;

const QUEUED = 512;
const MOST_DEVICES = 4096;

/** Maps, as all threads make or take them. */
export const MAPS = {
  vouches: { kind: 'inodes', name: 'assay_vouches', keySize: 4, valueSize: VOUCH.size, entries: 0 },
  config: { kind: 'array', name: 'assay_config', keySize: 4, valueSize: CONFIG.size, entries: 1 },
  counters: { kind: 'array', name: 'assay_counters', keySize: 4, valueSize: COUNTER.size, entries: 1 },
  reports: { kind: 'queue', name: 'assay_reports', keySize: 0, valueSize: REPORT.size, entries: QUEUED },
  devices: { kind: 'hash', name: 'assay_devices', keySize: 4, valueSize: 4, entries: MOST_DEVICES },
} as const satisfies Readonly<Record<string, MapSetup>>;

export function cgroupMap(count: number): MapSetup {
  return { kind: 'cgroups', name: 'assay_cgroups', keySize: 4, valueSize: 4, entries: Math.max(count, 1) };
}

/** What the reading thread needs of the gate: descriptors of maps, and the generation of what it vouches for. Plain data. */
export interface VouchSetup {
  readonly vouches: number;
  readonly reports: number;
  /** One word: raised when what was vouched for holds no more. */
  readonly generation: SharedArrayBuffer;
}
