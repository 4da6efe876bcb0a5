import { readFileSync } from 'node:fs';
import { FormatError, SystemError } from '@assay/core/errors';
import type { EventFunction } from '@assay/core/policy';
import { kernelTypes } from '@assay/linux/bpf';
import { CHANGES, HOOKS } from './bpf/shared.ts';
import { tryVouches } from './bpf/trial.ts';
import { bpfLsm, refusedHooks, type BpfLsm } from '@assay/linux/lsm';

/** How well the engine stands in for a hook of the kernel. */
export interface HookCoverage {
  readonly func: EventFunction | 'SETXATTR_CHECK';
  /** `approximated`: asked at the opening, before the use; `start`: once, as the engine starts; `missing`: never. */
  readonly coverage: 'exact' | 'approximated' | 'start' | 'missing';
  readonly why: string;
  /** What narrows the difference, where something does. */
  readonly remedy?: string;
}

/** What programs in the kernel add, where an engine runs with them. */
export interface RunningGate {
  readonly state: 'off' | 'log' | 'enforce';
  readonly hooks: readonly string[];
}

/**
 * Every function that a rule can name, as far as this host and the engine that runs on it stand in for it.
 * @param running programs in the kernel; undefined where there are none
 */
export function hookCoverage({ possible }: Pick<BpfGate, 'possible'>, running?: RunningGate): readonly HookCoverage[] {
  return BY_EVENTS.map((coverage) => {
    const gated = GATED[coverage.func];
    if (gated === undefined) return coverage;
    const isAsked = running?.hooks.includes(gated.hook) === true && running.state !== 'off';
    if (isAsked && running.state === 'enforce') return { func: coverage.func, coverage: 'exact', why: gated.why };
    if (isAsked) return { ...coverage, why: `${coverage.why}; what had no verdict is recorded`, remedy: ENFORCE };
    return possible ? { ...coverage, remedy: ENFORCE } : coverage;
  });
}

const ENFORCE = 'refuse what has no verdict: assay engine run --bpf enforce';

/** Functions whose uses programs in the kernel see. */
const GATED: Partial<Record<HookCoverage['func'], { readonly hook: string; readonly why: string }>> = {
  BPRM_CHECK: {
    hook: 'bprm_check_security',
    why: 'nothing in the scope of --bpf is executed without a verdict about it as it is; the dynamic loader is a program, too',
  },
  MMAP_CHECK: {
    hook: 'mmap_file',
    why: 'nothing in the scope of --bpf is mapped for execution without a verdict about it as it is; ELF files are asked about when they are opened, others when they are opened after they were mapped once',
  },
};

const BY_EVENTS: readonly HookCoverage[] = [
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
  },
  { func: 'MMAP_CHECK_REQPROT', coverage: 'approximated', why: 'as MMAP_CHECK' },
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
  readonly name: 'memfd' | 'user-namespaces' | 'block-devices';
  readonly open: boolean;
  readonly sentence: string;
  readonly remedy: string;
}

/** What of this host lets programs run that no event tells of. */
export function bypasses({ possible }: Pick<BpfGate, 'possible'>): Bypass[] {
  const gate = possible ? '; for some processes: assay engine run --bpf enforce --bpf-cgroup DIR' : '';
  const noexec = sysctl('vm/memfd_noexec');
  const namespaces = sysctl('user/max_user_namespaces');
  return [
    {
      name: 'memfd',
      open: noexec !== 2,
      sentence: 'Programs can run from memory (memfd_create), of which there is no event.',
      remedy: `sysctl vm.memfd_noexec=2${gate}`,
    },
    {
      name: 'user-namespaces',
      open: namespaces !== 0,
      sentence: 'Everybody can mount a tmpfs in a user namespace and run programs from it, which is not watched.',
      remedy: `sysctl user.max_user_namespaces=0${gate}`,
    },
    {
      name: 'block-devices',
      open: !bootedWith('bdev_allow_write_mounted=0'),
      sentence:
        'Root can write to the block device below a mounted file system, whose files then change with no trace.',
      remedy: 'boot with bdev_allow_write_mounted=0, or keep programs on dm-verity',
    },
  ];
}

/** What events alone leave open on every host, and what makes it harmless. */
export const LIMITS = [
  {
    name: 'instant',
    sentence: 'Who may write to a program can change it in the instant between a remembered verdict and its execution.',
    remedy:
      '--bpf enforce where the kernel lets it in, or let nobody write to programs: root as their owner, dm-verity or fs-verity',
  },
  {
    name: 'mounts',
    sentence:
      'Root can execute from a file system in the moment after it is mounted, and from one that is mounted in another namespace, hidden or not at all.',
    remedy: 'give services no CAP_SYS_ADMIN: CapabilityBoundingSet=~CAP_SYS_ADMIN in their units',
  },
  {
    name: 'open-files',
    sentence: 'A file that is open already can be mapped for execution after it was changed, and no event tells of it.',
    remedy: 'let nobody write to libraries, and start the engine before what loads them',
  },
] as const;

function bootedWith(parameter: string): boolean {
  return readFileSync('/proc/cmdline', 'latin1').trim().split(/\s+/).includes(parameter);
}

/** Whether this kernel lets programs of the engine in (BPF LSM), which see executions and mappings exactly. */
export interface BpfGate extends BpfLsm {
  readonly possible: boolean;
  readonly sentence: string;
  /** What the kernel or the process misses. */
  readonly remedy?: string;
}

export function bpfGate(found = bpfLsm()): BpfGate {
  const remedy = bpfRemedy(found) ?? triedRemedy();
  if (remedy !== undefined)
    return { ...found, possible: false, sentence: 'This kernel lets no BPF LSM gate in.', remedy };
  const sentence = 'This kernel lets a BPF LSM gate in: assay engine run --bpf log, and then --bpf enforce.';
  return { ...found, possible: true, sentence };
}

function bpfRemedy({ active, types, call }: BpfLsm): string | undefined {
  if (call === 'missing') return 'a kernel with CONFIG_BPF_SYSCALL and CONFIG_BPF_LSM';
  if (!types) return 'a kernel with CONFIG_DEBUG_INFO_BTF';
  if (active === undefined) return 'mount securityfs, so that the kernel says which security modules are active';
  if (!active) return 'boot with bpf at the end of lsm=';
  return call === 'works' ? undefined : 'run as root, or with CAP_BPF and CAP_PERFMON';
}

/** A kernel that has all of it may still refuse such programs: in lockdown, or without one of the hooks; or keep no verdicts. */
function triedRemedy(): string | undefined {
  for (const [hook, why] of refusedHooks([...HOOKS, ...CHANGES])) return `it takes no program at ${hook}: ${why}`;
  try {
    tryVouches(kernelTypes());
    return undefined;
  } catch (error) {
    if (error instanceof SystemError || error instanceof FormatError) return error.message;
    throw error;
  }
}

/** Undefined where the kernel has none of that name. */
function sysctl(name: string): number | undefined {
  try {
    return Number(readFileSync(`/proc/sys/${name}`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** What turbo does not cover, and what it changes for others. */
export interface TurboLimit {
  readonly name: 'policy' | 'labels' | 'file-systems' | 'non-blocking' | 'unmount' | 'stopped';
  readonly sentence: string;
}

export const TURBO_LIMITS: readonly TurboLimit[] = [
  {
    name: 'policy',
    sentence:
      'Every opening stays an event under a policy that asks who opens a file, whose it is or for what (FILE_CHECK), and with templates that hold labels or owners.',
  },
  {
    name: 'labels',
    sentence:
      'Files whose label passed appraisal stay events: a change of label, owner or mode breaks no lease. Other files are not measured again when these change.',
  },
  {
    name: 'file-systems',
    sentence:
      'Files of other file systems than ext4 and btrfs stay events, those that changed within ten seconds, and all over 16384.',
  },
  {
    name: 'non-blocking',
    sentence:
      'Opening such a file for writing waits for the engine; with O_NONBLOCK it fails with EAGAIN the first time.',
  },
  {
    name: 'unmount',
    sentence:
      'File systems with such files are busy for umount(8) while the engine runs, and removed files keep their space for some seconds; assay engine pause lets go.',
  },
  {
    name: 'stopped',
    sentence:
      'Writers of such a file do not wait for an engine that is stopped (SIGSTOP) longer than fs.lease-break-time; what runs then is not seen, and a gap record says so.',
  },
];

/** Whether this kernel grants leases at all. */
export function grantsLeases(): boolean {
  return sysctl('fs/leases-enable') === 1;
}
