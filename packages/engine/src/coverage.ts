import { readFileSync } from 'node:fs';
import type { EventFunction } from '@assay/core/policy';

/** How well the engine stands in for a hook of the kernel. */
export interface HookCoverage {
  readonly func: EventFunction | 'SETXATTR_CHECK';
  /** `approximated`: asked at the opening, before the use; `start`: once, as the engine starts; `missing`: never. */
  readonly coverage: 'exact' | 'approximated' | 'start' | 'missing';
  readonly why: string;
  /** What narrows the difference, where something does. */
  readonly remedy?: string;
}

const BPF = 'boot with bpf in lsm=, once the engine can load a gate there';

/** Every function that a rule can name. */
export const HOOK_COVERAGE: readonly HookCoverage[] = [
  {
    func: 'FILE_CHECK',
    coverage: 'approximated',
    why: 'openings are seen; the flags of openat2(2) and io_uring are not, and O_CREAT does not tell whether it created',
  },
  {
    func: 'BPRM_CHECK',
    coverage: 'approximated',
    why: 'programs, scripts and interpreters are seen, and the dynamic loader counts as one of them',
  },
  {
    func: 'CREDS_CHECK',
    coverage: 'approximated',
    why: 'asked with the ids before the execution, and of scripts and loaders, too',
  },
  {
    func: 'MMAP_CHECK',
    coverage: 'approximated',
    why: 'asked when an ELF program or shared object is opened for reading, whether it is mapped or not; other files never',
    remedy: BPF,
  },
  { func: 'MMAP_CHECK_REQPROT', coverage: 'approximated', why: 'as MMAP_CHECK', remedy: BPF },
  {
    func: 'MODULE_CHECK',
    coverage: 'approximated',
    why: 'asked when a .ko file below lib/modules is opened for reading, whoever opens it',
    remedy: 'let the kernel itself demand signed modules: module.sig_enforce=1',
  },
  {
    func: 'FIRMWARE_CHECK',
    coverage: 'approximated',
    why: 'asked when a file below lib/firmware is opened for reading, whoever opens it',
  },
  {
    func: 'KEXEC_KERNEL_CHECK',
    coverage: 'approximated',
    why: 'asked when a file named vmlinuz or vmlinux is opened for reading',
    remedy: 'switch kexec off: sysctl kernel.kexec_load_disabled=1',
  },
  {
    func: 'KEXEC_INITRAMFS_CHECK',
    coverage: 'approximated',
    why: 'asked when a file named initrd or initramfs is opened for reading',
    remedy: 'switch kexec off: sysctl kernel.kexec_load_disabled=1',
  },
  { func: 'KEXEC_CMDLINE', coverage: 'missing', why: 'no event tells of it' },
  { func: 'POLICY_CHECK', coverage: 'start', why: 'the policy of the engine itself' },
  {
    func: 'CRITICAL_DATA',
    coverage: 'start',
    why: 'kernel release and command line, rules and configuration of the engine',
  },
  { func: 'KEY_CHECK', coverage: 'missing', why: 'no event tells of keys' },
  {
    func: 'SETXATTR_CHECK',
    coverage: 'missing',
    why: 'fanotify cannot refuse a change of attributes; a wrong label is found at the next opening',
  },
];

/** A way past the engine that this host leaves open, and what closes it. */
export interface Bypass {
  readonly name: 'memfd' | 'user-namespaces';
  readonly open: boolean;
  readonly sentence: string;
  readonly remedy: string;
}

/** What of this host lets programs run that no event tells of. */
export function bypasses(): Bypass[] {
  const noexec = sysctl('vm/memfd_noexec');
  const namespaces = sysctl('user/max_user_namespaces');
  return [
    {
      name: 'memfd',
      open: noexec !== 2,
      sentence: 'Programs can run from memory (memfd_create), of which there is no event.',
      remedy: 'sysctl vm.memfd_noexec=2',
    },
    {
      name: 'user-namespaces',
      open: namespaces !== 0,
      sentence: 'Everybody can mount a tmpfs in a user namespace and run programs from it, which is not watched.',
      remedy: 'sysctl user.max_user_namespaces=0',
    },
  ];
}

/** Undefined where the kernel has none of that name. */
function sysctl(name: string): number | undefined {
  try {
    return Number(readFileSync(`/proc/sys/${name}`, 'latin1'));
  } catch {
    return undefined;
  }
}
