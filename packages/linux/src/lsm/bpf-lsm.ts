import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { lastErrno, syscall } from '../libc/index.ts';

/** include/uapi/asm-generic/unistd.h and the table of x86-64. */
const NUMBERS = { x64: { bpf: 321, listModules: 461 }, arm64: { bpf: 280, listModules: 461 } } as const;
/** include/uapi/linux/bpf.h: BPF_PROG_GET_NEXT_ID; more than union bpf_attr has of it. */
const GET_NEXT_ID = 11;
const ATTRIBUTES = 128;
/** include/uapi/linux/lsm.h: LSM_ID_BPF */
const ID_BPF = 109n;
const MOST_MODULES = 64;

const LIST = '/sys/kernel/security/lsm';
const BTF = '/sys/kernel/btf/vmlinux';
const { ENOENT, EPERM } = constants.errno;

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

function numbers(): (typeof NUMBERS)['x64' | 'arm64'] | undefined {
  return process.arch === 'x64' || process.arch === 'arm64' ? NUMBERS[process.arch] : undefined;
}

/** securityfs says it where it is mounted, lsm_list_modules(2) since 6.8. */
function isActive(): boolean | undefined {
  if (existsSync(LIST)) return readFileSync(LIST, 'latin1').trim().split(',').includes('bpf');
  const number = numbers()?.listModules;
  if (number === undefined) return undefined;
  const ids = new BigUint64Array(MOST_MODULES);
  const size = Uint32Array.of(ids.byteLength);
  const count = syscall(number, new Uint8Array(ids.buffer), new Uint8Array(size.buffer), 0);
  return count < 0 ? undefined : ids.subarray(0, count).includes(ID_BPF);
}

/** Asks for the first program that is loaded: there need not be one. */
function bpfCall(): BpfLsm['call'] {
  const number = numbers()?.bpf;
  if (number === undefined) return 'missing';
  if (syscall(number, GET_NEXT_ID, new Uint8Array(ATTRIBUTES), ATTRIBUTES) >= 0) return 'works';
  const errno = lastErrno();
  if (errno === ENOENT) return 'works';
  return errno === EPERM ? 'not-permitted' : 'missing';
}
