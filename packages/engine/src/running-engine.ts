import { setTimeout as delay } from 'node:timers/promises';
import type { AppraiseMode } from '@assay/core/appraisal';
import { toHex, utf8 } from '@assay/core/bytes';
import type { MeasurementEntry } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { EngineControl } from './decision/control.ts';
import { policyText } from './decision/policy.ts';
import type { DeciderSetup } from './decision/setup.ts';
import { criticalData, criticalDrafts } from './decision/critical-data.ts';
import { fileDraft, recordDraft, type EntryDraft } from './drafts.ts';
import { pcrsOf, type MeasurementList } from './list.ts';
import type { BpfActivity } from './bpf/bpf-gate.ts';
import type { AuditEvent } from './decision/contract.ts';
import type { Engine, EngineOptions, EngineStatus } from './options.ts';
import { RecentAudits } from './recent-audits.ts';
import { Recorder } from './recorder.ts';
import { RULES } from './rules.ts';
import type { Watch, WatchHandlers } from './watch.ts';
import type { GateActivity } from './gate/figures.ts';
import type { DecidedMessage } from './gate/messages.ts';
import type { LostMessage, LostReason, MeasuredMessage } from './watch-messages.ts';

/** How long the end may wait for what is measured and not yet listed and extended. */
const STOP_LIMIT_MS = 10_000;

/** Of a policy that is longer, the start record has the beginning; where its rules ask for it, all of it is measured. */
const MOST_RULES = 64;

/** What the engine needs of the watching thread. */
export interface EngineWatch extends Pick<Watch, 'connect' | 'acknowledge' | 'stop'> {
  activity?(): GateActivity;
  bpfActivity?(): BpfActivity | undefined;
  /** Mode or pause changed. */
  follow?(): void;
}

/** Watches the same mounts with other rules. */
export type WatchAgain = (decider: DeciderSetup) => Promise<EngineWatch>;

export interface EngineParts {
  readonly watch: EngineWatch;
  /** Left out where the rules stay. */
  readonly watchAgain?: WatchAgain | undefined;
  readonly list: MeasurementList;
  readonly unlock: () => void;
}

type Lost = Pick<LostMessage, 'path'> & { readonly reason: LostReason | 'watcher-ended' };

/** The engine after its start: what the watching thread measures goes to the list. */
export class RunningEngine implements Engine, WatchHandlers {
  readonly #options: EngineOptions;
  readonly #mounts: readonly string[];
  /** The one that answers now: another policy has another one. */
  #watch: EngineWatch;
  readonly #watchAgain: WatchAgain | undefined;
  #decider: DeciderSetup | undefined;
  readonly #list: MeasurementList;
  readonly #recorder: Recorder;
  readonly #unlock: () => void;
  readonly #stopLimit: number;
  /** Without policy nothing can be refused. */
  readonly #control: EngineControl | undefined;
  readonly #audits = new RecentAudits();
  #lost = 0;
  #watching = true;
  #problem: Error | undefined;
  #stopped: Promise<void> | undefined;

  /** @param stopLimit milliseconds */
  constructor(options: EngineOptions, mounts: readonly string[], parts: EngineParts, stopLimit = STOP_LIMIT_MS) {
    this.#options = options;
    this.#mounts = mounts;
    this.#watch = parts.watch;
    this.#watchAgain = parts.watchAgain;
    this.#decider = options.decider;
    this.#list = parts.list;
    this.#unlock = parts.unlock;
    this.#stopLimit = stopLimit;
    this.#control = options.decider === undefined ? undefined : new EngineControl(options.decider.control);
    this.#recorder = new Recorder(
      parts.list,
      (line) => this.#log(line),
      (error) => this.#fail(error),
    );
  }

  get directory(): string {
    return this.#options.directory;
  }

  /**
   * Writes the start record and what is measured at the start, takes over from the watching thread, and resolves when all of
   * that is extended.
   */
  async begin(continued: boolean): Promise<void> {
    const begun = Promise.withResolvers<void>();
    const drafts = this.#firstDrafts(continued);
    for (const [index, draft] of drafts.entries()) {
      const settled = (entry: MeasurementEntry | undefined): void => {
        this.#settled(entry);
        if (index === drafts.length - 1) begun.resolve();
      };
      this.#recorder.add({ draft, settled });
    }
    this.#connect(this.#watch);
    await Promise.race([begun.promise, this.#recorder.idle()]);
    if (this.#problem === undefined) return;
    await this.stop('failed');
    throw this.#problem;
  }

  /** What is listed before anything that is executed. */
  #firstDrafts(continued: boolean): EntryDraft[] {
    const { mode, firstEntries = [] } = this.#options;
    const decider = this.#decider;
    const appraise = this.#control === undefined ? [] : [['appraise', this.#control.mode] as const];
    const rules = this.#rules.slice(0, MOST_RULES).map((rule) => ['rule', rule] as const);
    const mounts = this.#mounts.map((path) => ['mount', path] as const);
    const list = ['list', continued ? 'continued' : 'new'] as const;
    const start = recordDraft('start', [['mode', mode], ...appraise, ...rules, ...mounts, list]);
    if (decider === undefined) return [start, ...firstEntries];
    return [start, ...firstEntries, ...this.#criticalDrafts(decider)];
  }

  get #rules(): readonly string[] {
    return this.#decider?.rules.map(({ text }) => text) ?? RULES;
  }

  /** What the last words of one watch are, the next one does not know. */
  #connect(watch: EngineWatch): void {
    watch.connect({
      message: (message) => this.message(message, watch),
      ended: (error) => {
        if (watch === this.#watch) this.ended(error);
      },
    });
  }

  message(message: MeasuredMessage | DecidedMessage | LostMessage, from = this.#watch): void {
    if (message.kind === 'lost') {
      this.#recordLost(message, () => from.acknowledge(message.sequence));
      return;
    }
    if (message.kind === 'decided') {
      this.#recordDecided(message, from);
      return;
    }
    const settled = (entry: MeasurementEntry | undefined): void => {
      from.acknowledge(message.sequence);
      this.#settled(entry, message.pid);
    };
    this.#recorder.add({ draft: fileDraft(message.path, message.sha256), settled });
  }

  /** In the kernel's order; the opening waits until the last entry is extended. */
  #recordDecided({ entries, audits, failures, sequence, pid }: DecidedMessage, from: EngineWatch): void {
    for (const [index, draft] of entries.entries()) {
      const settled = (entry: MeasurementEntry | undefined): void => {
        if (index === entries.length - 1) from.acknowledge(sequence);
        this.#settled(entry, pid);
      };
      this.#recorder.add({ draft, settled });
    }
    for (const audit of audits) this.#audit(audit);
    for (const failure of failures) this.#log(`a label could not be written: ${failure}`);
  }

  ended(error: Error | undefined): void {
    this.#watching = false;
    if (this.#stopped !== undefined || this.#problem !== undefined) return;
    this.#fail(error ?? new Error('the watching thread ended by itself'));
    this.#recordLost({ reason: 'watcher-ended', path: undefined });
  }

  setMode(mode: AppraiseMode, reason: string): void {
    const control = this.#controlOrThrow();
    if (control.mode === mode) return;
    control.mode = mode;
    this.#watch.follow?.();
    this.#record(
      recordDraft('mode', [
        ['appraise', mode],
        ['reason', reason],
      ]),
    );
  }

  setPaused(paused: boolean, reason: string): void {
    const control = this.#controlOrThrow();
    if (control.paused === paused) return;
    control.paused = paused;
    this.#watch.follow?.();
    const draft = paused
      ? recordDraft('gap', [
          ['reason', 'paused'],
          ['by', reason],
        ])
      : recordDraft('mode', [
          ['appraise', control.mode],
          ['reason', `resumed, ${reason}`],
        ]);
    this.#record(draft);
  }

  async load(decider: DeciderSetup, policy: string, entries: readonly EntryDraft[]): Promise<void> {
    const { mode } = this.#controlOrThrow();
    if (this.#watchAgain === undefined) throw new RangeError('under a supervisor the policy stays: start it again');
    await this.#list.takeIn(pcrsOf(decider));
    // Both watch for a moment: what is opened meanwhile asks both, and nothing passes unasked.
    const next = await this.#watchAgain(decider);
    if (this.#stopped !== undefined) return next.stop();
    const before = this.#watch;
    this.#watch = next;
    this.#decider = decider;
    const sha256 = toHex(nodeHasher.digest('sha256', utf8(policyText(decider, decider.kernel.profile))));
    const pairs = [
      ['appraise', mode],
      ['reason', 'policy loaded'],
      ['policy', policy],
      ['sha256', sha256],
    ] as const;
    const drafts = [...entries, recordDraft('mode', pairs), ...this.#criticalDrafts(decider)];
    for (const draft of drafts) this.#record(draft);
    this.#connect(next);
    await before.stop();
  }

  #criticalDrafts(decider: DeciderSetup): EntryDraft[] {
    return criticalDrafts(decider, criticalData(decider, this.#mounts));
  }

  #controlOrThrow(): EngineControl {
    if (this.#control === undefined) throw new RangeError('the engine was started without policy');
    return this.#control;
  }

  status(): EngineStatus {
    const activity = this.#watch.activity?.();
    const { archive } = this.#list;
    const bpf = this.#watch.bpfActivity?.();
    return {
      mode: this.#options.mode,
      appraise: this.#control?.mode,
      paused: this.#control?.paused ?? false,
      rules: this.#rules,
      mounts: this.#mounts,
      entries: this.#list.count,
      violations: this.#list.violations,
      ...(archive === undefined ? {} : { archive }),
      lost: this.#lost,
      watching: this.#watching,
      ...(activity === undefined ? {} : { activity }),
      ...(bpf === undefined ? {} : { bpf }),
      audits: this.#audits.all,
      problem: this.#problem?.message,
    };
  }

  stop(reason: string): Promise<void> {
    this.#stopped ??= this.#stop(reason);
    return this.#stopped;
  }

  async #stop(reason: string): Promise<void> {
    await this.#watch.stop();
    const draft = recordDraft('stop', [
      ['reason', reason],
      ['lost', this.#lost],
    ]);
    this.#record(draft);
    // A command that the TPM has not answered yet may still extend: the lock is held until then.
    const closed = this.#recorder.idle().finally(() => this.#close());
    const limit = new AbortController();
    const late = delay(this.#stopLimit, undefined, { signal: limit.signal }).catch(() => undefined);
    await Promise.race([closed, late]);
    limit.abort();
    this.#recorder.giveUp();
  }

  #close(): void {
    this.#list.close();
    this.#unlock();
  }

  #recordLost({ reason, path }: Lost, acknowledge?: () => void): void {
    this.#lost += 1;
    const where = path === undefined ? [] : [['path', path] as const];
    const draft = recordDraft('gap', [['reason', reason], ['lost', this.#lost], ...where]);
    const settled = (entry: MeasurementEntry | undefined): void => {
      acknowledge?.();
      this.#settled(entry);
    };
    this.#recorder.add({ draft, settled });
  }

  #record(draft: EntryDraft): void {
    this.#recorder.add({ draft, settled: (entry) => this.#settled(entry) });
  }

  #audit(event: AuditEvent): void {
    this.#audits.add(event);
    const { onAudit } = this.#options;
    if (onAudit === undefined) this.#log(event.text);
    else onAudit(event);
  }

  #settled(entry: MeasurementEntry | undefined, pid?: number): void {
    if (entry === undefined) return;
    try {
      this.#options.onEntry?.(entry, pid);
    } catch (error) {
      this.#log(`onEntry failed: ${String(error)}`);
    }
  }

  /** Nothing more can be listed, so nothing is watched any more. */
  #fail(error: unknown): void {
    this.#problem = error instanceof Error ? error : new Error(String(error));
    this.#log(`the engine ends its watch: ${this.#problem.message}`);
    void this.#watch.stop();
  }

  #log(line: string): void {
    this.#options.log?.(line);
  }
}
