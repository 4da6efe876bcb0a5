import type { MessagePort } from 'node:worker_threads';
import type { AuditEvent } from '../decision/contract.ts';
import type { EntryDraft } from '../drafts.ts';
import type { LostMessage } from '../watch-messages.ts';
import type { DeciderSetup } from '../decision/setup.ts';
import type { VouchSetup } from '../bpf/shared.ts';
import type { Case, Verdict } from './judge.ts';
import type { TurboSetup } from './turbo.ts';

// What the threads of the gate say to each other. The reader asks nobody: it posts, and goes on with the next event.

/** Whether an opening that no verdict was found for in time goes on (`open`) or is refused (`closed`). */
export type FailureMode = 'open' | 'closed';

/** What the reading thread is started with. Descriptors are numbers, as all threads of a process share them. */
export interface ReaderSetup {
  readonly thread: 'reader';
  /** Of the fanotify group; its marks are set by others. */
  readonly group: number;
  /** Whether the group names threads instead of processes. */
  readonly reportsThreads: boolean;
  /** Whether it has to be known for what a file is opened (`Decider.wantsFlags`). */
  readonly looksAtFlags: boolean;
  /** The `Bell` that the other threads ring. */
  readonly bell: number;
  /** A socket into which the thread writes a byte from time to time: it is alive. */
  readonly heartbeat: number | undefined;
  readonly failure: FailureMode;
  /**
   * Others hold the group, too, and are to answer what comes after the end. Where nobody does, the kernel forgets the marks
   * with the group.
   */
  readonly leavesMarks: boolean;
  /** Milliseconds that an opening waits at most for its verdict, listing and extending included. */
  readonly answerLimit: number;
  /** Undefined: every opening is an event. */
  readonly turbo: TurboSetup | undefined;
  /** Undefined: no programs in the kernel ask for verdicts. */
  readonly vouch: VouchSetup | undefined;
  /** Memory of `WatchSignals`. */
  readonly signals: SharedArrayBuffer;
  /** Memory of `Figures`. */
  readonly figures: SharedArrayBuffer;
  readonly measurers: readonly MeasurerLine[];
  readonly decider: DeciderSetup;
}

/** The reader's end of what it says to a measuring thread. */
export interface MeasurerLine {
  readonly port: MessagePort;
  /** Counts jobs; the measuring thread waits for it to change. */
  readonly jobs: SharedArrayBuffer;
  /** Bytes: it is not given larger files, so that what is small does not wait for what is large. */
  readonly largest: number;
}

/** What a measuring thread, which hashes large files, is started with. */
export interface MeasurerSetup extends Pick<ReaderSetup, 'bell' | 'decider' | 'signals'>, Pick<MeasurerLine, 'jobs'> {
  readonly thread: 'measurer';
  readonly reader: MessagePort;
}

export interface MeasurerQuestion {
  /** `occupy`: to see to it that the kernel executes the file for nobody, which may take an opening of the file. */
  readonly kind: 'judge' | 'occupy';
  readonly id: number;
  readonly question: Case;
}

export type MeasurerAnswer =
  /** Without verdict: the file cannot be looked at. */
  | { readonly kind: 'judged'; readonly id: number; readonly verdict: Verdict | undefined }
  /** As long as the descriptor is open, the kernel says ETXTBSY; undefined: that cannot be relied on. */
  | { readonly kind: 'occupied'; readonly id: number; readonly fd: number | undefined };

/** What is to be recorded of one decision, in this order. */
export interface DecidedMessage extends Pick<Verdict, 'failures'> {
  readonly kind: 'decided';
  readonly sequence: number;
  readonly entries: readonly EntryDraft[];
  readonly audits: readonly AuditEvent[];
  readonly pid: number;
}

/** From the reading thread to the engine. Those with a sequence number are acknowledged, in their order. */
export type ReaderMessage =
  | { readonly kind: 'ready' }
  /** Something was mounted, unmounted or mounted otherwise. */
  | { readonly kind: 'mounts' }
  | DecidedMessage
  | LostMessage;
