import type { MeasurementEntry } from '@assay/core/measurement';
import type { AppraiseMode } from '@assay/core/appraisal';
import type { ArchiveOptions, ArchiveStatus } from './archive.ts';
import type { BpfActivity, BpfGateSetup } from './bpf/bpf-gate.ts';
import type { AuditEvent } from './decision/contract.ts';
import type { DeciderSetup } from './decision/setup.ts';
import type { EntryDraft } from './drafts.ts';
import type { EngineTpm } from './engine-tpm.ts';
import type { GateActivity } from './gate/figures.ts';
import type { RecentAudit } from './recent-audits.ts';
import type { Supervision } from './supervisor/supervision.ts';

/** `notify` tells of an execution after the file was opened; in `permission` the execution waits for its measurement. */
export type EngineMode = 'notify' | 'permission';

export interface EngineOptions {
  /** Where the list files are; made if it is missing, and kept for its owner alone. */
  readonly directory: string;
  /** Where the beginning of the list goes when it is long; left out, all of it stays in the directory. */
  readonly archive?: ArchiveOptions;
  readonly tpm: EngineTpm;
  /** Paths on the file systems to watch; in mode `permission` mount points. */
  readonly mounts: readonly string[];
  /**
   * `notify` measures after the program was opened and can hold up nothing. `permission` measures before it runs; the
   * process that runs the engine must then not start programs of those mounts itself, as it would wait for itself.
   */
  readonly mode: EngineMode;
  /** In mode `permission`: policy, keys and what is done with them; left out, executions are measured. */
  readonly decider?: DeciderSetup;
  /** In mode `permission`: what a supervisor handed over that started this process. */
  readonly supervision?: Supervision;
  /**
   * In mode `permission`: files that do not change go without an event, where the policy allows it. Not with a supervisor that
   * refuses what comes while no engine answers.
   */
  readonly turbo?: boolean;
  /**
   * In mode `permission`: programs in the kernel (BPF LSM) ask at each execution and mapping for execution whether there is a
   * verdict for the file as it is. Not with turbo.
   */
  readonly bpf?: BpfGateSetup;
  /** In mode `permission`, without a supervisor: a socket that is written to some times a second while openings are answered. */
  readonly heartbeat?: number;
  /** In mode `permission`, without a supervisor: how long an opening may wait for its verdict, in milliseconds; left out: 2 s. */
  readonly answerLimit?: number;
  /** Listed behind the start record, such as the measurement of the file that the policy comes from. */
  readonly firstEntries?: readonly EntryDraft[];
  /** Mode `permission` refuses the file system of `/` without this. */
  readonly allowRootFileSystem?: boolean;
  /** Called after the entry is in the list and in the PCR; with the process that caused it, where one did. */
  readonly onEntry?: (entry: MeasurementEntry, pid: number | undefined) => void;
  /** Called with each audit record; must not wait. Without it they are logged. */
  readonly onAudit?: (event: AuditEvent) => void;
  /** One line for people, without a newline. */
  readonly log?: (line: string) => void;
}

export interface EngineStatus {
  readonly mode: EngineMode;
  /** What is done with files that fail; undefined where nothing can be refused. */
  readonly appraise: AppraiseMode | undefined;
  readonly paused: boolean;
  readonly rules: readonly string[];
  readonly mounts: readonly string[];
  /** Entries in the list, with those in the archive. */
  readonly entries: number;
  /** Of entries in the list. */
  readonly violations: number;
  readonly archive?: ArchiveStatus;
  /** Executions known to be missing from the list since the engine started; an overflow of the kernel's queue counts 1. */
  readonly lost: number;
  readonly watching: boolean;
  /** In mode `permission`: how much there is to do, and how it is done. */
  readonly activity?: GateActivity;
  /** Of the programs in the kernel, where they are loaded. */
  readonly bpf?: BpfActivity;
  /** The newest audit records, oldest first. */
  readonly audits: readonly RecentAudit[];
  /** Why the engine no longer works; undefined while it does. */
  readonly problem: string | undefined;
}

export interface Engine {
  readonly directory: string;
  status(): EngineStatus;
  /**
   * Appraises in another mode from the next opening on, and records that it does.
   * @param reason a word or two, for the record
   * @throws RangeError where the engine was started without policy
   */
  setMode(mode: AppraiseMode, reason: string): void;
  /** Lets everything pass unmeasured, or no longer; recorded as a gap. @throws RangeError as `setMode` */
  setPaused(paused: boolean, reason: string): void;
  /**
   * Answers by another policy from now on, with the same keys and mode; recorded.
   * @param policy its name, for the record
   * @param entries what loading it brings into the list
   * @throws RangeError as `setMode`, and under a supervisor
   */
  load(decider: DeciderSetup, policy: string, entries: readonly EntryDraft[]): Promise<void>;
  /** Measures what was executed until now, records the stop, and ends. The first call counts. */
  stop(reason: string): Promise<void>;
}
