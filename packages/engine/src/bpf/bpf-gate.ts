import { closeSync, constants, openSync, readlinkSync } from 'node:fs';
import { SystemError } from '@assay/core/errors';
import { BpfMap, kernelTypes, LsmProgram } from '@assay/linux/bpf';
import { fileSystemMagic } from '@assay/linux/files';
import type { ControlState } from '../decision/contract.ts';
import { changingProgram, gateProgram, openingProgram, type ProgramParts } from './programs.ts';
import { Scope } from './scope.ts';
import { cgroupMap, CONFIG, COUNTER, MAPS, type GateHook, type VouchSetup } from './shared.ts';
import { tryVouches } from './trial.ts';

/** include/uapi/linux/magic.h */
const CGROUP2 = 0x63677270;
/** include/linux/proc_ns.h, PROC_PID_INIT_INO: in another namespace process numbers are not those of the programs. */
const INITIAL_PROCESSES = 'pid:[4026531836]';
/** How often it looks at mode and pause, and goes on refusing. */
const LOOK_EVERY_MS = 1000;
/** An engine that does not look any more refuses nothing any more by the gate, after that time. */
const LASTS_MS = 10_000;
/** What was opened before a change of mode is not known under the new one: it may be mapped for so long. */
const GRACE_MS = 2000;
/** No vouch is of it. */
const NO_GENERATION = 0;

export interface BpfGateSetup {
  /** `enforce` refuses while the engine enforces, too. */
  readonly mode: 'log' | 'enforce';
  /** Directories of cgroups (version 2) whose processes are asked about whatever they execute. */
  readonly cgroups: readonly string[];
}

/** What the gate does, since its start and now. */
export interface BpfActivity {
  /** `off`: in a pause. */
  readonly state: 'off' | 'log' | 'enforce';
  readonly cgroups: readonly string[];
  readonly hooks: readonly GateHook[];
  /** Uses that passed with a verdict. */
  readonly passed: number;
  readonly refused: number;
  /** Uses without a verdict that passed. */
  readonly unasked: number;
  /** Of these two, those of which there is no record. */
  readonly dropped: number;
}

/**
 * Programs in the kernel (BPF LSM) that ask, where a file is executed or mapped for execution, whether the engine gave a verdict
 * for it as it is. Nothing is pinned: they go with this process, however it ends.
 */
export class BpfGate {
  readonly #setup: BpfGateSetup;
  readonly #control: ControlState;
  readonly #hooks: readonly GateHook[];
  readonly #resources = new DisposableStack();
  readonly #config: BpfMap;
  readonly #counters: BpfMap;
  readonly #programs: readonly LsmProgram[];
  readonly #generation: Int32Array;
  /** The engine's process, which is let alone; 0 where its number in the kernel is not known. */
  readonly #own: number;
  readonly #timer: NodeJS.Timeout;
  readonly #log: (line: string) => void;
  readonly vouchSetup: VouchSetup;
  readonly scope: Scope;
  /** Mode and pause that the programs know of. */
  #known: string | undefined;
  #problem: string | undefined;
  #refusesFrom = Infinity;
  #last: BpfActivity | undefined;

  /**
   * Loads the programs, after a trial whether they find verdicts on this kernel; `begin` has the kernel ask them.
   * @param hooks those about whose uses the policy has rules
   * @param log told of what fails later
   * @throws SystemError NOT-PERMITTED, KERNEL-LACKS, BPF-REFUSED, SYSTEM-CALL, ENGINE-MOUNT for what is no cgroup; FormatError BTF-FORM
   */
  constructor(setup: BpfGateSetup, control: ControlState, hooks: readonly GateHook[], log: (line: string) => void) {
    this.#setup = setup;
    this.#log = log;
    this.#control = control;
    this.#hooks = hooks;
    this.#own = readlinkSync('/proc/self/ns/pid') === INITIAL_PROCESSES ? process.pid : 0;
    const generation = new SharedArrayBuffer(4);
    this.#generation = new Int32Array(generation);
    Atomics.store(this.#generation, 0, NO_GENERATION + 1);
    try {
      const made = <T extends Disposable>(resource: T): T => this.#resources.use(resource);
      this.#config = made(new BpfMap(MAPS.config));
      this.#counters = made(new BpfMap(MAPS.counters));
      const watched = made(new BpfMap(MAPS.devices));
      this.scope = new Scope(watched);
      const vouches = made(new BpfMap(MAPS.vouches)).fd;
      const reports = made(new BpfMap(MAPS.reports)).fd;
      const cgroups = made(new BpfMap(cgroupMap(setup.cgroups.length)));
      for (const [index, path] of setup.cgroups.entries()) addCgroup(cgroups, index, path);
      const [config, counters, devices] = [this.#config.fd, this.#counters.fd, watched.fd];
      const types = kernelTypes();
      tryVouches(types);
      const counts = { cgroups: cgroups.fd, cgroupCount: setup.cgroups.length };
      const parts: ProgramParts = { types, vouches, config, counters, reports, devices, ...counts };
      // What takes vouches away comes first.
      this.#programs = [
        made(new LsmProgram(types, 'file_open', openingProgram(parts))),
        made(new LsmProgram(types, 'inode_setattr', changingProgram(parts))),
        ...hooks.map((hook) => made(new LsmProgram(types, hook, gateProgram(hook, parts)))),
      ];
      this.vouchSetup = { vouches, reports, generation };
    } catch (error) {
      this.#resources.dispose();
      throw error;
    }
    this.#timer = setInterval(() => this.follow(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** The hooks ask from now on, unless there is a pause. @throws SystemError NOT-PERMITTED, KERNEL-LACKS, SYSTEM-CALL */
  begin(): void {
    const { mode, paused } = this.#control;
    const known = paused ? 'paused' : mode;
    if (known !== this.#known) this.#change(paused);
    this.#known = known;
    this.#configure(Atomics.load(this.#generation, 0));
  }

  /** To be called when mode or pause changed; it looks by itself, too. What fails is tried again. */
  follow(): void {
    try {
      this.begin();
      this.#problem = undefined;
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (problem !== this.#problem) this.#log(`the gate in the kernel: ${problem}`);
      this.#problem = problem;
    }
  }

  /**
   * What was vouched for before holds no more, not even for a moment: until all programs are at their hooks nothing does, as
   * before that nobody takes a vouch away.
   */
  #change(paused: boolean): void {
    this.#refusesFrom = performance.now() + GRACE_MS;
    this.#configure(NO_GENERATION);
    for (const program of this.#programs) {
      if (paused) program.detach();
      else program.attach();
    }
    Atomics.add(this.#generation, 0, 1);
  }

  get #isEnforcing(): boolean {
    const { mode, paused } = this.#control;
    return this.#setup.mode === 'enforce' && mode === 'enforce' && !paused;
  }

  #configure(generation: number): void {
    const isDue = this.#isEnforcing && performance.now() >= this.#refusesFrom;
    const { value } = this.#config;
    value.writeInt32LE(generation, CONFIG.generation);
    value.writeUInt32LE(this.#own, CONFIG.own);
    value.writeBigUInt64LE(isDue ? process.hrtime.bigint() + BigInt(LASTS_MS) * 1_000_000n : 0n, CONFIG.enforceUntil);
    this.#config.update();
  }

  activity(): BpfActivity {
    return this.#last ?? this.#activity();
  }

  #activity(): BpfActivity {
    this.#counters.key.writeUInt32LE(0);
    this.#counters.look();
    const at = (counter: number): number => Number(this.#counters.value.readBigUInt64LE(counter));
    const isOn = this.#programs.some(({ isAttached }) => isAttached);
    const mode = this.#isEnforcing ? 'enforce' : 'log';
    return {
      state: isOn ? mode : 'off',
      cgroups: this.#setup.cgroups,
      hooks: this.#hooks,
      passed: at(COUNTER.passed),
      refused: at(COUNTER.refused),
      unasked: at(COUNTER.unasked),
      dropped: at(COUNTER.dropped),
    };
  }

  /** The hooks ask no more. */
  detach(): void {
    clearInterval(this.#timer);
    for (const program of this.#programs) program.detach();
  }

  /** Only after the thread ended that was given `vouchSetup`. */
  end(): void {
    this.detach();
    this.#last = this.#activity();
    this.#resources.dispose();
  }
}

/** @throws SystemError ENGINE-MOUNT */
function addCgroup(map: BpfMap, index: number, path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    if (fileSystemMagic(fd) !== CGROUP2) throw new SystemError('ENGINE-MOUNT', `${path} is no cgroup of version 2`);
    map.key.writeUInt32LE(index);
    map.value.writeInt32LE(fd);
    map.update();
  } finally {
    closeSync(fd);
  }
}
