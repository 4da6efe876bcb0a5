import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { FormatError, SystemError } from '@assay/core/errors';
import { bpfErrno, Code, kernelTypes, LsmProgram, type KernelTypes } from '../bpf/index.ts';
import { syscall } from '../libc/index.ts';

/** include/uapi/asm-generic/unistd.h: the same on x86-64 and arm64. */
const LIST_MODULES = 461;
/** include/uapi/linux/lsm.h: LSM_ID_BPF */
const ID_BPF = 109n;
const MOST_MODULES = 64;

const LIST = '/sys/kernel/security/lsm';
const BTF = '/sys/kernel/btf/vmlinux';
const { EPERM } = constants.errno;

/** What a program of type BPF_PROG_TYPE_LSM needs of the running kernel and of this process. */
export interface BpfLsm {
  /** Whether bpf is among the active security modules (`lsm=`); undefined where the kernel does not say. */
  readonly active: boolean | undefined;
  /** Types of the kernel, by which such programs are checked. */
  readonly types: boolean;
  /** What bpf(2) answers this process. */
  readonly call: 'works' | 'not-permitted' | 'missing';
}

export function bpfLsm(): BpfLsm {
  return { active: isActive(), types: existsSync(BTF), call: bpfCall() };
}

/** securityfs says it where it is mounted, lsm_list_modules(2) since 6.8. */
function isActive(): boolean | undefined {
  if (existsSync(LIST)) return readFileSync(LIST, 'latin1').trim().split(',').includes('bpf');
  if (process.arch !== 'x64' && process.arch !== 'arm64') return undefined;
  const ids = new BigUint64Array(MOST_MODULES);
  const size = Uint32Array.of(ids.byteLength);
  const count = syscall(LIST_MODULES, new Uint8Array(ids.buffer), new Uint8Array(size.buffer), 0);
  return count < 0 ? undefined : ids.subarray(0, count).includes(ID_BPF);
}

function bpfCall(): BpfLsm['call'] {
  const errno = bpfErrno();
  if (errno === 0) return 'works';
  return errno === EPERM ? 'not-permitted' : 'missing';
}

/**
 * Tries what cannot be known otherwise, as a kernel in lockdown refuses such programs, and whoever built it may have left out
 * a hook: has each hook ask a program that allows everything, and takes it away at once.
 * @param hooks such as `mmap_file`
 * @returns why a hook takes none; nothing of those that do
 */
export function refusedHooks(hooks: readonly string[]): ReadonlyMap<string, string> {
  const refused = new Map<string, string>();
  const types = typesOrReason();
  for (const hook of hooks) {
    const why = typeof types === 'string' ? types : refusal(types, hook);
    if (why !== undefined) refused.set(hook, why);
  }
  return refused;
}

function typesOrReason(): KernelTypes | string {
  try {
    return kernelTypes();
  } catch (error) {
    return reason(error);
  }
}

function refusal(types: KernelTypes, hook: string): string | undefined {
  try {
    using program = new LsmProgram(types, hook, new Code().exit(0).bytes());
    program.attach();
    return undefined;
  } catch (error) {
    return reason(error);
  }
}

function reason(error: unknown): string {
  if (error instanceof SystemError || error instanceof FormatError) return error.message;
  throw error;
}
