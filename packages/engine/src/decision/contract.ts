import type { AppraisalMemory, AppraiseMode, KernelWrite } from '@assay/core/appraisal';
import type { ParsedSignedData } from '@assay/core/cms';
import type { HashName } from '@assay/core/hash';
import type { ComputedDigest } from '@assay/core/label';
import type { EventFile, EventFunction, Subject } from '@assay/core/policy';
import type { FileIdentity } from '@assay/linux/files';
import type { EntryDraft } from '../drafts.ts';

// What the event path (fanotify, hashing, caches, answers) and the decision (policy, appraisal, entries, records) say to
// each other. The event path calls `Decider.decide` in the thread that hashes, once for each event that no cached verdict
// answers; nothing here waits, and only the accessors of `OpenedFile` and `Task` touch the machine.
//
// The order for one event:
//   1. facts: `OpenedFile`, `Task`, and the hooks of `hooksOf`;
//   2. `decide`, with the memory that was kept for the inode;
//   3. `writes` are set on the descriptor (fix mode and updaters; a failure is logged and changes no answer), after which the
//      memory is of the file as it is then;
//   4. `entries` go to the recorder in their order and are in the list and in the PCR before the answer;
//   5. `audits` go to the journal, without waiting;
//   6. the answer, `memory` kept by inode, the verdict cached where `cache` grants it.
//
// Beside this file: `createDecider` (decider.ts) makes a decider from a `DeciderSetup` (setup.ts), which threads can hand
// over; `EngineControl` (control.ts) is the shared memory with mode and pause.

/** One question of the kernel to its policy about a file. */
export interface HookCall {
  readonly func: EventFunction;
  /** Bits of `ACCESS` of `@assay/core/policy`. */
  readonly mask: number;
}

/** What of an event tells the hooks that the kernel would call; the argument of `hooksOf`. */
export interface OpenEvent {
  /**
   * FAN_OPEN_EXEC_PERM or FAN_OPEN_EXEC; else an opening that may be for anything. The FAN_OPEN_PERM that follows a
   * FAN_OPEN_EXEC_PERM is the same opening: it has no hooks of its own, and is not asked about.
   */
  readonly isExec: boolean;
  /** Flags of open(2), where they are known (/proc/PID/syscall of the waiting task); undefined: taken as O_RDONLY. */
  readonly flags?: number;
}

/** What is known of an inode's state. Where two are equal, the file has not changed if its file system is honest. */
export interface FileState extends FileIdentity {
  /** Owner and group in the initial user namespace; type and permission bits. */
  readonly owner: number;
  readonly group: number;
  readonly mode: number;
}

/** What a file system says of the files in it; looked up once for each device. */
export interface FileSystemFacts extends Omit<EventFile, 'owner' | 'group'> {
  /** FUSE and its like (SB_I_IMA_UNVERIFIABLE_SIGNATURE), by who mounted it; left out for all others. */
  readonly unverifiable?: 'trusted-mounter' | 'untrusted-mounter';
  /** overlayfs and its like: EVM keeps no HMAC there. */
  readonly isHmacUnsupported?: boolean;
  readonly isReadOnly?: boolean;
}

/** An extended attribute: its value, null for none, or why it is not known. */
export type XattrAnswer = Uint8Array | null | 'unsupported' | 'unreadable';

export type DigestAnswer =
  | ReadonlyMap<HashName, Uint8Array>
  /** The file could not be read, changed all the time, or took too long. */
  | 'file-unreadable'
  | 'file-changing'
  | 'file-slow';

/** A regular file that a task opens. The accessors are asked as rarely as the rules allow, and keep no answer. */
export interface OpenedFile {
  /** When the event came. */
  readonly state: FileState;
  readonly fileSystem: FileSystemFacts;
  /** Absolute from the engine's root, as bytes; a hint: nothing is decided by it but kinds of hooks (`hooksOf`). */
  readonly path: Uint8Array;
  /** Device as in audit records: the source of its mount without `/dev/`, else the type of the file system. */
  device(): string;
  /** The first bytes of the content, at most `length`; fewer where the file ends. Empty where it cannot be read. */
  head(length: number): Uint8Array;
  /** Digests of the whole content, in one pass over it. Cached digests only where the cache can defend them. */
  digests(algorithms: readonly HashName[]): DigestAnswer;
  /** fs-verity digest that the kernel enforces; undefined where the file has none. */
  verity(): ComputedDigest | undefined;
  xattr(name: string): XattrAnswer;
  /** FS_IOC_GETVERSION; 0 where the file system tells none. */
  generation(): number;
  /** FS_IMMUTABLE_FL: the label cannot be written. */
  isImmutable(): boolean;
  /** The signature appended to a module or kernel and the digest of what it is over; undefined where there is none. */
  modsig(): OpenedModsig | undefined;
  /** Whether somebody besides the opening task has the file open for writing, or mapped shared and writable. */
  hasWriters(): boolean | 'unknown';
  /** Whether somebody besides the opening task has it open for reading only. Asked when a measured file is opened for writing. */
  hasReaders(): boolean | 'unknown';
  /**
   * Asked last: whether all that was told above holds for `state` and goes on to hold until `state` changes. No writer
   * before and after, the same identity, a settled ctime, a file system whose ctime shows every change (engine.md).
   */
  isSteady(): boolean;
}

/** Not checked yet. */
export interface OpenedModsig {
  /** Of the content before the signature, by the algorithm of the signature. */
  readonly digest: ComputedDigest;
  readonly signed: ParsedSignedData;
}

/** The task whose access waits. What cannot be read any more is left out. */
export interface Task {
  readonly pid: number;
  /** Asked only where a rule has a condition on the task (`Decider.needsSubject`) or a record is written. */
  subject(): Subject;
  record(): TaskRecord;
  /** The process and those that it descends from, nearest first; for the trusted-updater rule. */
  lineage(): readonly Ancestor[];
}

/** Who did it, as audit records say it. */
export interface TaskRecord {
  /** Real uid. */
  readonly uid: number;
  /** `gid`, `euid`, `suid`, `fsuid`, `egid`, `sgid` and `fsgid`, in this order, as far as they are known. */
  readonly ids?: readonly (readonly [name: string, id: number])[];
  readonly parent?: number;
  /** Login uid and session; left out: not set. */
  readonly auid?: number;
  readonly ses?: number;
  /** At most 15 bytes. */
  readonly comm: Uint8Array;
  readonly executable?: Uint8Array;
}

/** A process that counts for the trusted-updater rule. */
export interface Ancestor {
  readonly pid: number;
  /** Effective uid 0 in the initial user, mount and pid namespaces, which are taken to be those of the engine. */
  readonly isRootOfHost: boolean;
  /** Digest of the file that it executes, by its descriptor /proc/PID/exe; undefined where it cannot be read. */
  digest(algorithm: HashName): Uint8Array | undefined;
}

/** What the engine remembers of an inode between two events; opaque to the event path, which keeps it by inode. */
export interface FileMemory {
  /** The state and epoch for which `measured`, `audited`, `hashed` and `appraisal` hold; undefined: they hold for nothing. */
  readonly of?: { readonly identity: FileIdentity; readonly epoch: number } | undefined;
  /** As it was when it was asked about last. */
  readonly seen?: FileState;
  /** PCRs that have the content. */
  readonly measured: ReadonlySet<number>;
  readonly audited: boolean;
  /** IMA_HASHED */
  readonly hashed: boolean;
  readonly appraisal: AppraisalMemory;
  /** How the last appraisal as a file ended (ima_file_status): what failed gets no new label when it is closed. */
  readonly fileStatus?: 'passed' | 'failed';
  /** A rule with the action `hash` has matched (IMA_HASH). */
  readonly isHashed: boolean;
  /** Who opened it for writing asks for a new label when it is closed (IMA_UPDATE_XATTR). */
  readonly updatesLabel: boolean;
  /** A label that was mended, or the HMAC in the place of a signature: a change of the file when its writer closes it. */
  readonly isMended: boolean;
  /** The state in which the first of those who have the file open for writing now opened it. */
  readonly written?: FileState;
  /** How many these are, as far as events told. */
  readonly writers: number;
  /** It was opened for writing by an updater, and is not closed yet. */
  readonly isUpdated: boolean;
  /** IMA_MAY_EMIT_TOMTOU: measured by a reader since the last violation of this kind. */
  readonly mayBeTomtou: boolean;
  /** IMA_EMITTED_OPENWRITERS: the violation is listed; it is listed again after a time without writers. */
  readonly toldOpenWriters: boolean;
}

/** One access: what `decide` is asked. */
export interface AccessQuestion {
  readonly file: OpenedFile;
  readonly task: Task;
  /** In the kernel's order: FILE_CHECK, BPRM_CHECK, CREDS_CHECK, MMAP_CHECK, and those of files that the kernel reads. */
  readonly hooks: readonly HookCall[];
  /** The opening created the file, for certain; else it counts as created where it is empty and never changed. */
  readonly creates?: boolean;
  /** O_DIRECT */
  readonly isDirect?: boolean;
  /** How many wait for this one answer; left out: one. */
  readonly openings?: number;
  readonly memory?: FileMemory;
}

/** `integrity`: of an appraisal; `file`: of the action `audit`; `updater`: a transaction gave a label. */
export type AuditKind = 'integrity' | 'violation' | 'file' | 'updater';

/** An audit record, in the kernel's words; plain data that threads can hand over. */
export interface AuditEvent {
  readonly kind: AuditKind;
  /** `INTEGRITY_DATA` (1800), `INTEGRITY_PCR` (1804), `INTEGRITY_RULE` (1805); `ENGINE_UPDATER` is ours. */
  readonly type: string;
  /** What the kernel writes behind `audit(TIME:SERIAL): `. */
  readonly text: string;
  readonly pid: number;
  readonly path: Uint8Array;
  /** Hook and rule that led to it, where one did. */
  readonly func?: EventFunction;
  readonly rule?: string;
  readonly cause?: string;
  /** Whether the access was refused; false in the modes log and fix, and where it was allowed. */
  readonly denied: boolean;
}

/** A verdict that may be given again without asking: allow, nothing to record. */
export interface CacheGrant {
  /** Of policy, keys and mode: with another epoch it is worth nothing. */
  readonly epoch: number;
  /** `Decider.subjectKey` of the task; empty where no rule looks at the task, so that it holds for every task. */
  readonly subject: string;
}

export interface Decision {
  /** False: FAN_DENY, which the task sees as EPERM. Always true outside of mode `enforce`. */
  readonly allowed: boolean;
  /** To be listed and extended, in this order, before the answer; a violation comes first. */
  readonly entries: readonly EntryDraft[];
  /** Why content that should have been listed is not; becomes a gap record. */
  readonly lost?: Exclude<DigestAnswer, ReadonlyMap<HashName, Uint8Array>>;
  readonly audits: readonly AuditEvent[];
  /** Attributes to set on the descriptor; null removes one. */
  readonly writes: readonly KernelWrite[];
  readonly memory: FileMemory;
  /**
   * For the same state of the file, the same hooks and `subject`. Left out: the next event asks again, and verdicts that
   * are cached of this inode are dropped.
   */
  readonly cache?: CacheGrant;
}

/** A file that was open for writing and is closed (FAN_CLOSE_WRITE). */
export interface CloseQuestion {
  readonly file: OpenedFile;
  readonly task: Task;
  readonly memory?: FileMemory;
}

export type CloseDecision = Pick<Decision, 'audits' | 'writes' | 'memory'>;

/** Answers by policy, keys and mode. Immutable but for `EngineControl`; another policy is another decider with another epoch. */
export interface Decider {
  readonly epoch: number;
  /** Which events the policy needs: `exec` alone (OPEN_EXEC_PERM), or every opening (OPEN_PERM, too). */
  readonly events: 'exec' | 'open';
  /** Whether files that are closed after writing have to be told to `close` (rules that appraise or hash; updaters). */
  readonly wantsClose: boolean;
  /** Whether it has to be known for what a file is opened (rules of FILE_CHECK; updaters). */
  readonly wantsFlags: boolean;
  /** Some rule looks at the task, so that verdicts hold for tasks with the same ids only. */
  readonly needsSubject: boolean;
  /** Whether events have to name threads: those of one process open files at the same time, and may have ids of their own. */
  readonly namesThreads: boolean;
  /** Part of a verdict's key; empty, without a look at the task, where no rule looks at it. */
  subjectKey(task: Task): string;
  /** Whether verdicts of openings depend on the name, which changes with a directory's without a change of the file. */
  readonly wantsNames: boolean;
  /** Part of the key of an opening's verdict; empty where no rule looks at the name. */
  nameKey(path: Uint8Array): string;
  /** Hooks that the kernel would call when a file is mapped for execution. */
  readonly mappings: readonly HookCall[];
  /** Hooks that the kernel would call at this opening, as far as fanotify tells. An opening that is of no interest has none. */
  hooksOf(event: OpenEvent, file: Pick<OpenedFile, 'path' | 'head' | 'state'>): readonly HookCall[];
  /** Never throws by itself; an accessor that throws makes it allow, with `lost`, or deny in mode `enforce`. */
  decide(question: AccessQuestion): Decision;
  /** What to do with a file that was written. */
  close(question: CloseQuestion): CloseDecision;
}

/** Mode in which the engine answers now; shared memory, read at each decision. See `EngineControl`. */
export interface ControlState {
  readonly mode: AppraiseMode;
  /** `assay engine pause`: everything is allowed and nothing is recorded but the pause itself. */
  readonly paused: boolean;
}
