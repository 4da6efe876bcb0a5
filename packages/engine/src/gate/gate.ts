import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Bell } from '@assay/linux/files';
import { EVENT_DESCRIPTORS, openPermissionGroup, PermissionGroup } from '@assay/linux/fanotify';
import { raiseDescriptorLimit } from '@assay/linux/process';
import { WatchSignals, type LostMessage } from '../watch-messages.ts';
import type { WatchHandlers } from '../watch.ts';
import { BpfGate, type BpfActivity, type BpfGateSetup } from '../bpf/bpf-gate.ts';
import { gatedHooks } from '../bpf/gated-hooks.ts';
import { EngineControl } from '../decision/control.ts';
import { createDecider } from '../decision/decider.ts';
import type { DeciderSetup } from '../decision/setup.ts';
import { clock } from './clock.ts';
import { Figures, type GateActivity } from './figures.ts';
import { NewMounts } from './new-mounts.ts';
import { Overlays } from './overlays.ts';
import { startMeasurers } from './measurers.ts';
import type { DecidedMessage, FailureMode, ReaderMessage, ReaderSetup } from './messages.ts';
import { RESOURCES } from './threads.ts';
import { whyNoTurbo } from './turbo-policy.ts';
import type { TurboSetup } from './turbo.ts';

/** The reader measures what is left for 5 s, and may sit in poll(2) or a slow read besides. */
const STOP_LIMIT_MS = 8000;
const ANSWER_LIMIT_MS = 2000;

export interface GateOptions {
  readonly mounts: readonly string[];
  readonly decider: DeciderSetup;
  /** Without it `open`. */
  readonly failure?: FailureMode;
  /** Milliseconds. */
  readonly answerLimit?: number;
  /** A group whose events are waiting already, and which others may hold, too. */
  readonly group?: number;
  /** A socket that is written to while events are answered. */
  readonly heartbeat?: number;
  /** Of file systems that are mounted on the watched ones later. */
  readonly allowRootFileSystem?: boolean;
  /**
   * Files that do not change go without an event, where the policy allows it. Not with a group that others hold and a
   * failure mode `closed`: between two engines nobody has the leases.
   */
  readonly turbo?: TurboSetup;
  /** Programs in the kernel ask for verdicts, too. Not with turbo, which does not see that a verdict is asked for anew. */
  readonly bpf?: BpfGateSetup;
  readonly log?: (line: string) => void;
  /** Called when the threads are ready; events are read when it is over. */
  readonly takeOver?: () => Promise<void>;
}

/** Lets every opening on the watched file systems wait for its verdict; as the engine sees it. */
export class Gate {
  readonly #signals = new WatchSignals();
  readonly #figures = new Figures();
  readonly #turbo: TurboSetup | undefined;
  readonly #bpf: BpfGate | undefined;
  readonly #bell = new Bell();
  readonly #group: PermissionGroup;
  readonly #reader: Worker;
  readonly #measurers: readonly Worker[];
  readonly #measurersReady: Promise<unknown>;
  readonly #ready = Promise.withResolvers<void>();
  readonly #exited = Promise.withResolvers<void>();
  readonly #early: (DecidedMessage | LostMessage)[] = [];
  #newMounts: NewMounts | undefined;
  #handlers: WatchHandlers | undefined;
  #failure: Error | undefined;

  private constructor(options: GateOptions, bpf: BpfGate | undefined) {
    const { decider, failure = 'open', answerLimit = ANSWER_LIMIT_MS, heartbeat } = options;
    this.#turbo = turboOf(options); // It may refuse the options, so nothing is started before.
    this.#bpf = bpf;
    const { namesThreads: reportsThreads, wantsFlags } = createDecider(decider);
    this.#group = new PermissionGroup(options.group ?? openPermissionGroup(reportsThreads));
    // An engine before this one left marks whose leases ended with it.
    if (options.group !== undefined) this.#group.heedAll();
    const common = { bell: this.#bell.fd, decider, signals: this.#signals.memory };
    const { workers, lines: measurers, ready } = startMeasurers(common);
    this.#measurersReady = ready;
    const { fd: group } = this.#group;
    const asks = { reportsThreads, looksAtFlags: wantsFlags, turbo: this.#turbo, vouch: this.#bpf?.vouchSetup };
    const leavesMarks = options.group !== undefined && failure === 'closed';
    const given = { group, heartbeat, failure, answerLimit, leavesMarks };
    const mine = { ...given, ...asks, figures: this.#figures.memory };
    const readerSetup: ReaderSetup = { thread: 'reader', ...common, ...mine, measurers };
    this.#measurers = workers;
    this.#reader = new Worker(new URL('./reader.ts', import.meta.url), {
      workerData: readerSetup,
      transferList: measurers.map(({ port }) => port),
      resourceLimits: RESOURCES,
    });
    this.#reader.on('message', (message: ReaderMessage) => this.#receive(message));
    for (const worker of [...workers, this.#reader]) {
      worker.once('error', (error) => {
        this.#failure ??= error instanceof Error ? error : new Error(String(error));
      });
    }
    for (const worker of workers) worker.once('exit', () => this.#signals.stop());
    this.#reader.once('exit', () => this.#end());
  }

  /**
   * Starts the threads, and watches when they are ready to answer.
   * @throws SystemError NOT-PERMITTED, KERNEL-LACKS, SYSTEM-CALL, ENGINE-MOUNT; with `bpf` BPF-REFUSED, too
   */
  static async start(options: GateOptions): Promise<Gate> {
    raiseDescriptorLimit(EVENT_DESCRIPTORS); // The kernel refuses an opening for which there is none.
    const gate = Gate.#make(options);
    try {
      await Promise.all([gate.#ready.promise, gate.#measurersReady]);
      await options.takeOver?.();
      gate.#signals.begin();
      gate.#watch(options);
    } catch (error) {
      await gate.stop();
      throw error;
    }
    return gate;
  }

  static #make(options: GateOptions): Gate {
    const bpf = bpfOf(options);
    try {
      return new Gate(options, bpf);
    } catch (error) {
      bpf?.end();
      throw error;
    }
  }

  #watch({ mounts, decider, allowRootFileSystem = false, log }: GateOptions): void {
    const { events, wantsClose } = createDecider(decider);
    const overlays = new Overlays(events === 'open');
    const mark = (path: string): boolean => {
      overlays.add(path);
      const isNew = !this.#group.isMarked(path);
      // Its numbers may be those of another one that is gone.
      if (isNew) this.#signals.doubt();
      // Marks that an engine before this one left may ask for less.
      this.#group.mark(path, { opens: events === 'open', closes: wantsClose });
      this.#bpf?.scope.add(path);
      return isNew;
    };
    for (const mount of mounts) mark(mount);
    this.#bpf?.begin();
    this.#newMounts = new NewMounts({ watched: mounts, allowRootFileSystem, mark, log: (line) => log?.(line) });
  }

  /** Hands over the messages that came since the start, and all that follow. */
  connect(handlers: WatchHandlers): void {
    this.#handlers = handlers;
    for (const message of this.#early.splice(0)) handlers.message(message);
    void this.#exited.promise.then(() => handlers.ended(this.#failure));
  }

  get isStopping(): boolean {
    return this.#signals.stopping;
  }

  activity(): GateActivity {
    return this.#figures.read(clock(), this.#turbo !== undefined);
  }

  /** Undefined without programs in the kernel. */
  bpfActivity(): BpfActivity | undefined {
    return this.#bpf?.activity();
  }

  /** Mode or pause changed. */
  follow(): void {
    this.#bpf?.follow();
  }

  acknowledge(sequence: number): void {
    this.#signals.acknowledge(sequence);
    this.#bell.ring();
  }

  #isMarked(path: string): boolean {
    try {
      return this.#group.isMarked(path);
    } catch {
      return false;
    }
  }

  /** Lets the threads answer what is left and end; after a time limit they are ended. */
  async stop(): Promise<void> {
    this.#newMounts?.end();
    this.#bpf?.detach();
    this.#signals.stop();
    this.#bell.ring();
    const limit = new AbortController();
    const late = delay(STOP_LIMIT_MS, 'late', { signal: limit.signal }).catch(() => 'aborted');
    if ((await Promise.race([this.#exited.promise, late])) === 'late') {
      void this.#reader.terminate();
      for (const worker of this.#measurers) void worker.terminate();
    }
    limit.abort();
  }

  #receive(message: ReaderMessage): void {
    if (message.kind === 'ready') this.#ready.resolve();
    else if (message.kind === 'mounts') this.#lookAtMounts();
    else if (this.#handlers === undefined) this.#early.push(message);
    else this.#handlers.message(message);
  }

  #lookAtMounts(): void {
    this.#bpf?.scope.prune((path) => this.#isMarked(path));
    this.#newMounts?.look();
  }

  #end(): void {
    // Nobody answers any more: with the last descriptor of the group the kernel lets go what waits.
    this.#group.close();
    this.#bpf?.end();
    this.#ready.reject(this.#failure ?? new Error('the reading thread ended before it watched'));
    this.#exited.resolve();
  }
}

function bpfOf({ bpf, turbo, decider, log }: GateOptions): BpfGate | undefined {
  if (bpf === undefined) return undefined;
  if (turbo !== undefined) throw new RangeError('turbo is not for a gate in the kernel');
  return new BpfGate(bpf, new EngineControl(decider.control), gatedHooks(decider), (line) => log?.(line));
}

function turboOf({ turbo, decider, failure, group, log }: GateOptions): TurboSetup | undefined {
  if (turbo === undefined) return undefined;
  if (group !== undefined && failure === 'closed')
    throw new RangeError('turbo is not for a group that refuses by itself');
  const why = whyNoTurbo(decider);
  if (why === undefined) return turbo;
  log?.(`turbo is off: ${why}`);
  return undefined;
}
