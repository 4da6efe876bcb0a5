import {
  ACCESS,
  hasVersion,
  plainSubject,
  type EventFunction,
  type KernelProfile,
  type Subject,
} from '../policy/index.ts';

/** What is taken to happen to the files of a tree, since a tree does not tell who will use it. */
export const ASSUMPTIONS = {
  exec: 'every executable file is executed by each user who may; what is no ELF file is read by its interpreter, too',
  mmap: 'every shared object (ELF file named .so) is opened and mapped for execution by each user who may read it',
  modules: 'every kernel module (.ko below lib/modules) is loaded by root',
  firmware: 'every file below lib/firmware is loaded by the kernel',
  'read-root': 'every file is opened for reading by root',
  'read-user': 'every file that the others may read is opened for reading by them',
  kexec: 'every kernel image and initial file system (vmlinuz, initrd, initramfs) is loaded by kexec',
} as const;
export type Assumption = keyof typeof ASSUMPTIONS;

/** All but kexec, which few machines use. */
export const DEFAULT_ASSUMPTIONS: readonly Assumption[] = [
  'exec',
  'mmap',
  'modules',
  'firmware',
  'read-root',
  'read-user',
];

export const ASSUMPTION_NAMES: readonly Assumption[] = [...DEFAULT_ASSUMPTIONS, 'kexec'];

/** What of a file decides which events are taken to happen; two files of one kind have the same. */
export interface FileKind {
  /** Permission bits with setuid and setgid. */
  readonly mode: number;
  readonly owner: number;
  readonly group: number;
  readonly isElf: boolean;
  readonly role: FileRole;
}

/** What a file is by its name. */
export type FileRole = 'shared-object' | 'module' | 'firmware' | 'kernel' | 'initramfs' | 'other';

const ROLES: readonly (readonly [FileRole, RegExp])[] = [
  ['module', /\/lib\/modules\/.*\.ko(?:\.(?:gz|xz|zst))?$/],
  ['firmware', /\/lib\/firmware\//],
  ['shared-object', /\.so(?:\.[0-9][^/]*)?$/],
  ['kernel', /\/vmlinu[xz][^/]*$/],
  ['initramfs', /\/init(?:rd|ramfs)[^/]*$/],
];

/** @param path absolute, one character per byte */
export function roleOf(path: string): FileRole {
  return ROLES.find(([, pattern]) => pattern.test(path))?.[0] ?? 'other';
}

const EXECUTABLE = 0o111;

/** Whether the answer depends on the file being an ELF file, so that its first bytes are needed. */
export function dependsOnElf(mode: number, role: FileRole): boolean {
  return role === 'shared-object' || (mode & EXECUTABLE) !== 0;
}

/** One question of the kernel to its policy. */
export interface AssumedEvent {
  readonly assumption: Assumption;
  readonly func: EventFunction;
  readonly mask: number;
  readonly subject: Subject;
}

/** @param users ids, each with the group of the same number */
export function assumedEvents(
  kind: FileKind,
  assumptions: readonly Assumption[],
  users: readonly number[],
  profile: Pick<KernelProfile, 'version'>,
): AssumedEvent[] {
  const hooks = hooksOf(profile);
  return assumptions.flatMap((assumption) => {
    const asked = QUESTIONS[assumption](kind, hooks);
    const subjects = asked.by === 'root' ? [ROOT] : subjectsWho(asked.by, kind, assumption, users);
    return subjects.flatMap((subject) =>
      asked.questions.map((question) => eventOf(question, assumption, subject, kind, hooks)),
    );
  });
}

/** What of the kernel decides with what functions it asks. */
interface Hooks {
  readonly maps: readonly EventFunction[];
  /** CREDS_CHECK is asked about the program alone, and no more about scripts in front of their interpreter. */
  readonly credsOfProgram: boolean;
  /** CREDS_CHECK sees the ids that setuid and setgid bits give. */
  readonly credsWithBits: boolean;
}

/**
 * From 5.8 to 6.18 the kernel took up setuid bits only after it had asked (56305aa9b6fa, "exec: Compute file based creds only
 * once"). Since 6.19 it asks later (ima_creds_check), when scripts are not at hand any more.
 */
function hooksOf(profile: Pick<KernelProfile, 'version'>): Hooks {
  const asksLater = hasVersion(profile, '6.19');
  return {
    maps: hasVersion(profile, '6.3') ? ['MMAP_CHECK_REQPROT', 'MMAP_CHECK'] : ['MMAP_CHECK'],
    credsOfProgram: asksLater,
    credsWithBits: asksLater || !hasVersion(profile, '5.8'),
  };
}

const ROOT = plainSubject(0, 0);
const { MAY_EXEC, MAY_READ } = ACCESS;

type Question = readonly [func: EventFunction, mask: number];

interface Asked {
  /** Root alone, or each user with this permission. */
  readonly by: 'root' | 'execute' | 'read';
  readonly questions: readonly Question[];
}

const NOTHING: Asked = { by: 'root', questions: [] };
const OPEN: Question = ['FILE_CHECK', MAY_READ];

/** Root may read everything, and execute what anybody may. */
const QUESTIONS: Readonly<Record<Assumption, (kind: FileKind, hooks: Hooks) => Asked>> = {
  exec: ({ mode, isElf }, { maps, credsOfProgram }) => {
    if ((mode & EXECUTABLE) === 0) return NOTHING;
    const creds: EventFunction[] = isElf || !credsOfProgram ? ['CREDS_CHECK'] : [];
    const functions: EventFunction[] = ['FILE_CHECK', 'BPRM_CHECK', ...creds, ...(isElf ? maps : [])];
    const executed = functions.map((func): Question => [func, MAY_EXEC]);
    return { by: 'execute', questions: isElf ? executed : [...executed, OPEN] };
  },
  mmap: ({ role, isElf }, { maps }) =>
    role === 'shared-object' && isElf
      ? { by: 'read', questions: [OPEN, ...maps.map((func): Question => [func, MAY_EXEC])] }
      : NOTHING,
  modules: ({ role }) => loaded(role === 'module', 'MODULE_CHECK'),
  firmware: ({ role }) => loaded(role === 'firmware', 'FIRMWARE_CHECK'),
  'read-root': () => ({ by: 'root', questions: [OPEN] }),
  'read-user': () => ({ by: 'read', questions: [OPEN] }),
  kexec: ({ role }) =>
    role === 'initramfs' ? loaded(true, 'KEXEC_INITRAMFS_CHECK') : loaded(role === 'kernel', 'KEXEC_KERNEL_CHECK'),
};

/** The kernel opens such a file, and then reads it for itself. */
function loaded(isSo: boolean, func: EventFunction): Asked {
  return isSo ? { by: 'root', questions: [OPEN, [func, MAY_READ]] } : NOTHING;
}

function subjectsWho(
  permission: 'execute' | 'read',
  kind: FileKind,
  assumption: Assumption,
  users: readonly number[],
): Subject[] {
  const bit = permission === 'execute' ? 1 : 4;
  const may = users.filter((user) => (user === 0 ? assumption !== 'read-user' : hasPermission(kind, user, bit)));
  return may.map((user) => plainSubject(user, user));
}

/** By the permission bits alone, without access control lists. */
function hasPermission({ mode, owner, group }: FileKind, user: number, bit: number): boolean {
  if (owner === user) return (mode & (bit << 6)) !== 0;
  return (mode & (group === user ? bit << 3 : bit)) !== 0;
}

const SETUID = 0o4000;
const SETGID = 0o2000;

/** Which capabilities count are those that the process has when it is asked, whatever ids it gets. */
function eventOf(
  [func, mask]: Question,
  assumption: Assumption,
  subject: Subject,
  { mode, owner, group }: FileKind,
  { credsWithBits }: Hooks,
): AssumedEvent {
  if (func !== 'CREDS_CHECK' || !credsWithBits) return { assumption, func, mask, subject };
  const user = (mode & SETUID) === 0 ? {} : { euid: owner, suid: owner };
  const groups = (mode & SETGID) === 0 ? {} : { egid: group, sgid: group };
  return { assumption, func, mask, subject: { ...subject, ...user, ...groups } };
}
