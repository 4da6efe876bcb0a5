import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { SystemError } from '@assay/core/errors';
import { CallFailure, callFailed, close, lastErrno, Pinned } from '../libc/index.ts';
import { parseKernelTypes, type KernelTypes } from './btf.ts';
import { Attribute, COMMAND } from './call.ts';

const KERNEL_TYPES = '/sys/kernel/btf/vmlinux';
/** include/uapi/linux/bpf.h: BPF_PROG_TYPE_LSM, BPF_LSM_MAC */
const TYPE_LSM = 29;
const ATTACH_LSM = 27;
/** What follows `bpf_lsm_` is the name of the hook (security/bpf/hooks.c). */
const HOOK_PREFIX = 'bpf_lsm_';
/** The kernel lets such programs use its helpers only under its own licence; what is written here may be used under it. */
const LICENCE = Pinned.text('Dual MIT/GPL');
const INSTRUCTION = 8;
const LOG_SIZE = 256 * 1024;
/** Of the verifier's log, what a message quotes: its last lines say what was wrong. */
const LOG_LINES = 6;
const { EPERM, EACCES, EINVAL, ENOENT } = constants.errno;

/** @throws SystemError KERNEL-LACKS where the kernel tells no types; FormatError BTF-FORM, BYTES-LIMIT */
export function kernelTypes(): KernelTypes {
  try {
    return parseKernelTypes(readFileSync(KERNEL_TYPES));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    throw new SystemError('KERNEL-LACKS', `${KERNEL_TYPES}: the kernel was built without CONFIG_DEBUG_INFO_BTF`);
  }
}

/** A program at a hook of the security modules, not in use before `attach`. It goes with the descriptors: nothing is pinned. */
export class LsmProgram implements Disposable {
  readonly #fd: number;
  readonly #hook: string;
  #link: number | undefined;

  /**
   * Lets the kernel verify and translate it.
   * @param hook such as `mmap_file` (include/linux/lsm_hook_defs.h)
   * @throws SystemError KERNEL-LACKS where it has no such hook; BPF-REFUSED with the end of the verifier's log, or in lockdown; NOT-PERMITTED
   */
  constructor(types: KernelTypes, hook: string, code: Uint8Array) {
    const id = types.functionId(HOOK_PREFIX + hook);
    if (id === undefined) throw new SystemError('KERNEL-LACKS', `this kernel lets no program at the hook ${hook}`);
    this.#hook = hook;
    const instructions = new Pinned(code.length);
    instructions.bytes.set(code);
    const log = new Pinned(LOG_SIZE);
    const attribute = new Attribute(
      [0, 4, TYPE_LSM],
      [4, 4, code.length / INSTRUCTION],
      [8, 8, instructions.address],
      [16, 8, LICENCE.address],
      [24, 4, 1],
      [28, 4, LOG_SIZE],
      [32, 8, log.address],
      [48, `assay_${hook}`.slice(0, 15)],
      [68, 4, ATTACH_LSM],
      [108, 4, id],
    );
    this.#fd = attribute.call(COMMAND.load);
    if (this.#fd < 0) throw refused(hook, lastErrno(), log.bytes);
  }

  get isAttached(): boolean {
    return this.#link !== undefined;
  }

  /** From now on the hook asks it. @throws SystemError NOT-PERMITTED, KERNEL-LACKS, SYSTEM-CALL */
  attach(): void {
    if (this.#link !== undefined) return;
    const link = new Attribute([0, 4, this.#fd], [8, 4, ATTACH_LSM]).call(COMMAND.link);
    if (link < 0) throw notAttached(this.#hook, lastErrno());
    this.#link = link;
  }

  /** The hook asks it no more. */
  detach(): void {
    if (this.#link !== undefined) close(this.#link);
    this.#link = undefined;
  }

  [Symbol.dispose](): void {
    this.detach();
    close(this.#fd);
  }
}

/** A denial without a word of the verifier is one of privilege or of lockdown. */
function refused(hook: string, errno: number, log: Buffer): SystemError {
  const end = log.indexOf(0);
  const lines = log
    .toString('latin1', 0, end < 0 ? log.length : end)
    .trim()
    .split('\n');
  const said = lines.slice(-LOG_LINES).join(' | ');
  const isVerifier = said !== '' && (errno === EINVAL || errno === EACCES);
  const options = { cause: new CallFailure(errno) };
  if (!isVerifier && errno === EPERM && mayLoad()) return new SystemError('BPF-REFUSED', inLockdown(hook), options);
  if (!isVerifier) return callFailed(`bpf to load a program for ${hook}`, errno, 'CAP_BPF and CAP_PERFMON');
  return new SystemError('BPF-REFUSED', `the kernel does not take the program for ${hook}: ${said}`, options);
}

/** include/uapi/linux/capability.h: CAP_SYS_ADMIN stands for CAP_PERFMON and CAP_BPF, too. */
function mayLoad(): boolean {
  const hex = /^CapEff:\t([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
  const has = (capability: bigint): boolean => ((BigInt(`0x${hex}`) >> capability) & 1n) === 1n;
  return has(21n) || (has(38n) && has(39n));
}

function inLockdown(hook: string): string {
  return `the kernel takes a program for ${hook} from nobody (EPERM), as one in lockdown (see /sys/kernel/security/lockdown)`;
}

function notAttached(hook: string, errno: number): SystemError {
  if (errno === EPERM || errno === ENOENT) return callFailed(`bpf to attach to ${hook}`, errno, 'CAP_SYS_ADMIN');
  return new SystemError('KERNEL-LACKS', `this kernel attaches no program to ${hook}`, {
    cause: new CallFailure(errno),
  });
}
