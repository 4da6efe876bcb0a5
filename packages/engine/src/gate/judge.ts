import type { HashName } from '@assay/core/hash';
import { plainSubject } from '@assay/core/policy';
import { FileStatus, type Stamp } from '@assay/linux/files';
import { setXattr, removeXattr } from '@assay/linux/xattr';
import { tellsOfWriters } from '../bpf/scope.ts';
import { USE } from '../bpf/shared.ts';
import type { CacheGrant, Decider, Decision, FileMemory, HookCall, Task } from '../decision/contract.ts';
import { NO_MEMORY } from '../decision/memory.ts';
import type { WatchSignals } from '../watch-messages.ts';
import { clock } from './clock.ts';
import { taskOf } from './task.ts';
import { EventFile } from './event-file.ts';
import { FileSystems } from './file-systems.ts';

/** include/uapi/asm-generic/fcntl.h */
const O_ACCMODE = 3;
const O_WRONLY = 1;
const O_DIRECT = process.arch === 'arm64' ? 0o200000 : 0o40000;

/** Where no rule looks at the task, so that /proc need not be read. */
const ANYBODY = plainSubject(0, 0);

/** What is opened, and how. Plain data, which threads hand over. */
export interface Case {
  readonly kind: 'exec' | 'open' | 'closed';
  readonly fd: number;
  readonly pid: number;
  /** Of open(2); 0 where they are not known. */
  readonly flags: number;
  readonly memory: FileMemory | undefined;
  /** Somebody mapped it for execution once: whether he may is asked, too, and changes nothing for who opens it. */
  readonly isMapped: boolean;
  /** How many wait for this one answer. */
  readonly openings: number;
  /** Known of the content in this very state. */
  readonly of: Stamp;
  readonly digests: ReadonlyMap<HashName, Uint8Array> | undefined;
  /** When the verdict is wanted at the latest (`clock`). */
  readonly end: number;
  /** Writers have waited for it already, and do not again. */
  readonly gaveWay: boolean;
}

/** What a thread found out about one case. */
export interface Verdict extends Pick<Decision, 'allowed' | 'entries' | 'lost' | 'audits' | 'memory'> {
  /** The state that the verdict is of. */
  readonly stamp: Stamp;
  readonly path: Uint8Array;
  readonly cache: CacheGrant | undefined;
  /** When it was certain that no writer has come, and none can before the descriptor is closed (`clock`). */
  readonly writersOff: number | undefined;
  /** An execution that somebody who writes the file, or has waited too long to, keeps the kernel from (ETXTBSY). */
  readonly isBusy: boolean;
  /** The file was not looked at to its end, as somebody waited too long to write it: it has to be asked about once more. */
  readonly gaveWay: boolean;
  /** Good as long as the state is; of a file that nobody could change unseen. */
  readonly digests: ReadonlyMap<HashName, Uint8Array> | undefined;
  /** What was asked about (`USE`). */
  readonly uses: number;
  /** Labels that could not be written. */
  readonly failures: readonly string[];
}

/** What a verdict is worth after a doubt (`WatchSignals.doubt`): it answers who waits, and nobody else. */
export function doubted(verdict: Verdict): Verdict {
  return { ...verdict, memory: { ...verdict.memory, of: undefined }, cache: undefined, digests: undefined };
}

/** Asks the decider about files that are opened. One per thread. */
export class Judge {
  readonly decider: Decider;
  readonly #status = new FileStatus();
  readonly #fileSystems: FileSystems;

  constructor(decider: Decider, signals: WatchSignals) {
    this.decider = decider;
    this.#fileSystems = new FileSystems(signals);
  }

  /** Blocks the thread while the content is hashed. @returns undefined where the file cannot be looked at */
  verdict(event: Case): Verdict | undefined {
    try {
      return this.judge(event);
    } catch {
      return undefined;
    }
  }

  /** As `verdict`. @throws Error of what cannot be looked at */
  judge(event: Case): Verdict {
    const file = this.#fileOf(event);
    const isExec = event.kind === 'exec';
    const isWritten = isExec && file.hasWriters() === true;
    const hooks = event.kind === 'closed' ? [] : this.#hooksOf(event, file, isWritten);
    const opened = this.#decide(event, file, hooks);
    const mapped = this.#mapping(event, file, { hooks, opened });
    const decision = mapped === undefined ? opened : together(opened, mapped);
    const { gaveWay, writersOff } = file;
    // What is executed stays as it is until the answer is given; what is opened may change after that just as well.
    if (!isExec || gaveWay) file.letWritersIn();
    const common = { stamp: file.stamp, path: file.path, isBusy: isWritten || (isExec && gaveWay), gaveWay };
    if (gaveWay)
      return { ...common, ...nothing(event), uses: 0, writersOff: undefined, cache: undefined, digests: undefined };
    return {
      ...common,
      allowed: decision.allowed,
      entries: decision.entries,
      ...(decision.lost === undefined ? {} : { lost: decision.lost }),
      audits: decision.audits,
      ...labelled(event.fd, file, decision),
      writersOff: isExec ? writersOff : undefined,
      cache: decision.cache,
      digests: decision.cache === undefined ? undefined : file.foundDigests,
      uses: tellsOfWriters(Number(file.fileSystem.magic))
        ? usesOf(hooks) | (mapped?.allowed === true ? USE.map : 0)
        : 0,
    };
  }

  #fileOf({ kind, fd, of, digests, flags, end, gaveWay }: Case): EventFile {
    const status = this.#status.read(fd);
    const fileSystem = this.#fileSystems.of(status, fd);
    const known = status.matches(of) ? digests : undefined;
    const isWriting = (flags & O_ACCMODE) !== 0;
    const keepsWritersOff = kind !== 'closed' && !gaveWay;
    const asked = { digests: known, isWriting, keepsWritersOff, isOver: () => clock() > end };
    return new EventFile({ fd, status, fileSystem, ...asked });
  }

  /** @param isWritten the kernel opens the file and executes it not, so that it asks the hook of openings alone */
  #hooksOf({ kind, flags }: Case, file: EventFile, isWritten: boolean): readonly HookCall[] {
    const all = this.decider.hooksOf({ isExec: kind === 'exec', flags }, file);
    return isWritten ? all.filter(({ func }) => func === 'FILE_CHECK') : all;
  }

  #mapping(
    { isMapped, kind, pid, flags }: Case,
    file: EventFile,
    { hooks, opened }: { readonly hooks: readonly HookCall[]; readonly opened: Decision },
  ): Decision | undefined {
    const isReading = kind === 'open' && (flags & O_ACCMODE) !== O_WRONLY;
    if (!isMapped || !isReading || (usesOf(hooks) & USE.map) !== 0) return undefined;
    return this.decider.decide({ file, task: this.#task(pid), hooks: this.decider.mappings, memory: opened.memory });
  }

  #task(pid: number): Task {
    return this.decider.needsSubject ? taskOf(pid) : { ...taskOf(pid), subject: () => ANYBODY };
  }

  #decide({ kind, pid, flags, memory, openings }: Case, file: EventFile, hooks: readonly HookCall[]): Decision {
    const task = this.#task(pid);
    const remembered = memory === undefined ? {} : { memory };
    if (kind === 'closed') {
      return { allowed: true, entries: [], ...this.decider.close({ file, task, ...remembered }) };
    }
    const isDirect = (flags & O_DIRECT) !== 0;
    return this.decider.decide({ file, task, hooks, isDirect, openings, ...remembered });
  }
}

/** The file is as if nobody had asked. */
function nothing({
  memory = NO_MEMORY,
}: Case): Pick<Verdict, 'allowed' | 'entries' | 'audits' | 'memory' | 'failures'> {
  return { allowed: true, entries: [], audits: [], memory, failures: [] };
}

/** The answer is that of the opening; what the mapping brings is recorded with it. */
function together(opened: Decision, mapped: Decision): Decision {
  const lost = opened.lost ?? mapped.lost;
  return {
    allowed: opened.allowed,
    entries: [...opened.entries, ...mapped.entries],
    audits: [...opened.audits, ...mapped.audits],
    writes: [...opened.writes, ...mapped.writes],
    memory: mapped.memory,
    ...(lost === undefined ? {} : { lost }),
    ...(opened.cache === undefined || mapped.cache === undefined ? {} : { cache: opened.cache }),
  };
}

function usesOf(hooks: readonly HookCall[]): number {
  const isAsked = (func: HookCall['func']): boolean => hooks.some((hook) => hook.func === func);
  return (isAsked('BPRM_CHECK') ? USE.exec : 0) | (isAsked('MMAP_CHECK') ? USE.map : 0);
}

/** What is written changes the ctime, and is no change by others. */
function labelled(fd: number, file: EventFile, { writes, memory }: Decision): Pick<Verdict, 'memory' | 'failures'> {
  if (writes.length === 0) return { memory, failures: [] };
  const failures = writes.flatMap(({ name, value }) => written(fd, name, value));
  return { memory: { ...memory, seen: file.stateNow() }, failures };
}

function written(fd: number, name: string, value: Uint8Array | null): string[] {
  try {
    if (value === null) removeXattr(fd, name);
    else setXattr(fd, name, value);
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}
