import { closeSync, openSync } from 'node:fs';
import { Bell, ClockChanges, descriptorPath, FileStatus, letWritersIn, Readiness } from '@assay/linux/files';
import { PermissionGroup, type AskedEvent } from '@assay/linux/fanotify';
import { EngineControl } from '../decision/control.ts';
import { WatchSignals, type LostReason } from '../watch-messages.ts';
import { clock } from './clock.ts';
import { ExecutingPrograms, isOutdated } from './executing.ts';
import { caseOf, INLINE_BYTES, isRenamed, jobOf, keyOf, nameKeyOf, type Job, type Opening } from './job.ts';
import { doubted, type Case, type Verdict } from './judge.ts';
import { KernelGate, type GateRecord } from './kernel-gate.ts';
import type { MeasurerAnswer } from './messages.ts';
import { OwnThreads } from './own-threads.ts';
import { Purposes } from './purposes.ts';
import type { ReaderParts } from './reader-parts.ts';
import { Tally } from './tally.ts';
import { taskOf } from './task.ts';
import { DRAIN_LIMIT_MS, EXECUTING_MS, IDLE_MS, TICK_MS, WAITING_MS } from './times.ts';
import { Turbo } from './turbo.ts';
import { VerdictCache, type KnownFile } from './verdict-cache.ts';
import { WaitingWriters } from './waiting-writers.ts';

const GROUP = 0;
const BELL = 1;
const LEASES = 2;
const O_RDONLY_CLOEXEC = 0o2000000;

/**
 * Answers the openings of a group. It opens no watched file and waits for nothing but events, so that nobody waits for it
 * who it waits for; what takes time is done by others, who ring its bell when they are done.
 */
export class ReaderLoop {
  readonly #parts: ReaderParts;
  readonly #group: PermissionGroup;
  readonly #bell: Bell;
  readonly #readiness: Readiness;
  readonly #signals: WatchSignals;
  readonly #status = new FileStatus();
  readonly #clock = new ClockChanges();
  readonly #mounts = openSync('/proc/self/mountinfo', O_RDONLY_CLOEXEC);
  readonly #mountsIndex: number;
  readonly #control: EngineControl;
  readonly #cache = new VerdictCache();
  readonly #turbo: Turbo | undefined;
  readonly #kernel: KernelGate | undefined;
  readonly #tally: Tally;
  readonly #ownThreads = new OwnThreads();
  readonly #jobs = new Map<number, Job>();
  /** Of threads that do not wait yet. */
  readonly #unready: AskedEvent[] = [];
  readonly #executing: ExecutingPrograms;
  readonly #purposes: Purposes;
  #sequence = 0;
  /** A message whose acknowledgement came too late. Until it comes nobody is made to wait. */
  #late: number | undefined;
  #doubts = 0;
  #nextTick = 0;
  #nextLook = 0;

  constructor(parts: ReaderParts) {
    const { group, bell, turbo, vouch, signals, figures, decider, reportsThreads } = parts.setup;
    this.#parts = parts;
    this.#group = new PermissionGroup(group);
    this.#bell = new Bell(bell);
    this.#turbo = turbo === undefined ? undefined : new Turbo(this.#group, turbo);
    this.#kernel = vouch === undefined ? undefined : new KernelGate(vouch, decider, this.#cache);
    const read = [group, bell, ...(this.#turbo === undefined ? [] : [this.#turbo.fd])];
    this.#mountsIndex = read.length;
    this.#readiness = new Readiness(read, [this.#mounts]);
    this.#signals = new WatchSignals(signals);
    this.#tally = new Tally(figures);
    this.#purposes = new Purposes(parts.judge.decider.events === 'open', parts.setup.looksAtFlags);
    this.#control = new EngineControl(decider.control);
    this.#executing = new ExecutingPrograms(reportsThreads, (fd) => this.#group.release(fd));
  }

  run(): void {
    try {
      while (!this.#signals.stopping) this.#turn(this.#patience);
    } finally {
      this.#turbo?.release();
    }
    try {
      this.#drain();
    } finally {
      this.#executing.end();
      this.#clock.close();
      closeSync(this.#mounts);
    }
  }

  get #patience(): number {
    if (this.#executing.size > 0 || this.#unready.length > 0) return EXECUTING_MS;
    return this.#jobs.size > 0 ? WAITING_MS : IDLE_MS;
  }

  /** Asks no more, and answers what was asked already. */
  #drain(): void {
    const { leavesMarks } = this.#parts.setup;
    if (!leavesMarks) this.#group.unmarkAll();
    this.#nextTick = 0;
    for (const end = clock() + DRAIN_LIMIT_MS; clock() < end; ) {
      const taken = this.#turn(this.#jobs.size > 0 ? WAITING_MS : 0);
      if ((taken === 0 || leavesMarks) && this.#jobs.size + this.#unready.length === 0) return;
    }
    for (const event of this.#unready) this.#answer(event, this.#parts.setup.failure === 'open');
    for (const job of this.#jobs.values()) this.#giveUp(job, 'stopped');
  }

  /** @returns how many events came */
  #turn(patience: number): number {
    this.#readiness.wait(patience);
    if (this.#turbo !== undefined) this.#letWritersGo(this.#turbo);
    for (const path of this.#executing.letGo(clock())) this.#lost('writer-overdue', path);
    for (const event of this.#unready.splice(0)) this.#meet(event);
    const taken = this.#readiness.isReady(GROUP) ? this.#take() : 0;
    if (this.#readiness.isReady(BELL)) this.#hear();
    if (this.#readiness.isReady(this.#mountsIndex)) this.#parts.tell({ kind: 'mounts' });
    const now = clock();
    if (now >= this.#nextTick) this.#tick(now);
    if (now >= this.#nextLook && this.#jobs.size > 0) {
      this.#nextLook = now + WAITING_MS;
      for (const job of this.#jobs.values()) this.#lookAfter(job, now);
    }
    return taken;
  }

  #lookAfter(job: Job, now: number): void {
    if (!job.isLate && now > job.lead.end) this.#giveUp(job, 'answer-late');
    // The list takes its time: what is said then is not of what the file is then, and it is asked about once more.
    if (job.writers?.areOverdue(now) === true) letWritersIn(job.lead.fd);
  }

  /** What has to be done a few times in a second. */
  #tick(now: number): void {
    this.#nextTick = now + TICK_MS;
    this.#parts.beat();
    this.#ownThreads.forget();
    for (const record of this.#kernel?.records() ?? []) this.#record(record, record.pid);
    if (this.#control.paused) this.#turbo?.release();
    else this.#turbo?.sweep(now);
    const waiting = [...this.#jobs.values()].flatMap((job) => (job.isLate ? [] : [...job.batch, ...job.later]));
    const ends = waiting.map(({ end }) => end - this.#parts.setup.answerLimit);
    const { size: turboFiles = 0, breaks: turboBreaks = 0 } = this.#turbo ?? {};
    const state = { waiting: waiting.length, cached: this.#cache.size, turboFiles, turboBreaks };
    this.#tally.publish(now, state, waiting.length === 0 ? undefined : Math.min(...ends));
  }

  #letWritersGo(turbo: Turbo): void {
    const { inodeKeys, isOverdue } = turbo.letWritersGo(this.#readiness.isReady(LEASES), clock());
    for (const inodeKey of inodeKeys) this.#cache.forget(inodeKey);
    if (isOverdue) this.#lost('writer-overdue');
  }

  #take(): number {
    const { events, dropped } = this.#group.read();
    this.#tally.events += events.length;
    // After the reading: what was changed before one of these openings is known now.
    this.#doubt();
    for (let count = 0; count < dropped; count++) this.#lost('event-dropped');
    // Own openings first: a thread of this process may wait for one while another event waits for that thread.
    const others = events.filter((event) => !this.#answerOwn(event));
    for (const event of others) this.#meet(event);
    return events.length;
  }

  /** Times of changes lie once the clock was set, and numbers of devices once another file system is watched. */
  #doubt(): void {
    const { doubts } = this.#signals;
    if (!this.#clock.happened() && doubts === this.#doubts) return;
    this.#doubts = doubts;
    this.#cache.doubt();
    for (const job of this.#jobs.values()) job.isDoubtful = true;
  }

  #answerOwn(event: AskedEvent): boolean {
    if (!this.#ownThreads.has(event.pid, this.#parts.setup.reportsThreads)) return false;
    if (event.kind !== 'closed') this.#group.answer(event.fd, true);
    this.#group.release(event.fd);
    return true;
  }

  /** Whatever goes wrong, the event is answered and its descriptor closed. */
  #meet(event: AskedEvent): void {
    try {
      this.#look(event);
    } catch {
      this.#lost('file-unreadable');
      this.#answer(event, this.#parts.setup.failure === 'open');
    }
  }

  #look(event: AskedEvent): void {
    const { decider } = this.#parts.judge;
    this.#executing.goOn(event);
    const status = this.#status.read(event.fd);
    if (!status.isRegular) {
      this.#answer(event, true);
      return;
    }
    const flags = event.kind === 'open' ? this.#purposes.flagsOf(event, status.inodeKey) : 0;
    if (flags === 'exec') {
      this.#answer(event, true);
      return;
    }
    if (flags === 'running') {
      this.#unready.push(event);
      return;
    }
    const nameKey = nameKeyOf(event, decider);
    const key = keyOf(event.kind, flags, nameKey, decider.needsSubject ? decider.subjectKey(taskOf(event.pid)) : '');
    const { inodeKey, size } = status;
    const known = event.kind === 'closed' ? undefined : this.#cache.allowing(status, decider.epoch, key);
    if (known !== undefined) {
      this.#allowAgain({ ...event, inodeKey }, known);
      return;
    }
    if (event.kind !== 'closed') this.#tally.misses++;
    const end = clock() + this.#parts.setup.answerLimit;
    this.#wait({ ...event, flags, inodeKey, size, stamp: status.stamp(), verdictKey: key, nameKey, end });
  }

  #allowAgain(event: AskedEvent & { readonly inodeKey: number }, file: KnownFile): void {
    const { fd, kind, inodeKey } = event;
    this.#tally.hits++;
    this.#purposes.noteAllowed(event, inodeKey);
    if (!this.#jobs.has(inodeKey)) this.#kernel?.again(fd, file);
    this.#group.answer(fd, true);
    const mayHold = this.#turbo !== undefined && kind !== 'closed' && !this.#control.paused;
    if (mayHold && this.#turbo.hold({ fd, kind, inodeKey }, file, clock())) return;
    this.#group.release(fd);
  }

  #wait(opening: Opening): void {
    const job = this.#jobs.get(opening.inodeKey);
    if (job === undefined) this.#ask(jobOf([opening]));
    else if (job.isLate) this.#answer(opening, this.#isAllowedLate(job));
    else job.later.push(opening);
  }

  #ask(job: Job, isChanging = false): void {
    const { lead } = job;
    this.#jobs.set(lead.inodeKey, job);
    this.#kernel?.begin(job);
    const question = this.#caseOf(job);
    const { decider } = this.#parts.judge;
    // What looks at programs of other processes opens them, which this thread must not.
    if (lead.size < INLINE_BYTES && !decider.wantsClose && !isChanging) {
      this.#conclude(job, this.#parts.judge.verdict(question));
    } else {
      this.#parts.measurers.ask({ kind: 'judge', id: lead.inodeKey, question }, lead.size);
    }
  }

  #caseOf(job: Job): Case {
    const known = this.#cache.known(job.lead.stamp, job.lead.inodeKey);
    const isMapped = this.#kernel?.isMapped(job.lead.inodeKey) === true;
    return caseOf(job, known, { isMapped, answerLimit: this.#parts.setup.answerLimit });
  }

  /** Messages of the other threads, and acknowledgements. */
  #hear(): void {
    this.#bell.silence();
    const { measurers } = this.#parts;
    for (let answer = measurers.answer(); answer !== undefined; answer = measurers.answer()) {
      this.#hearOf(answer);
    }
    for (const job of this.#jobs.values()) {
      if (job.sequence !== undefined && this.#signals.isAcknowledged(job.sequence)) job.settled?.();
    }
  }

  #hearOf(answer: MeasurerAnswer): void {
    const job = this.#jobs.get(answer.id);
    if (answer.kind === 'occupied') this.#occupied(job, answer.fd);
    else if (job !== undefined) this.#conclude(job, answer.verdict);
  }

  #isBehind(): boolean {
    if (this.#late !== undefined && this.#signals.isAcknowledged(this.#late)) this.#late = undefined;
    return this.#late !== undefined;
  }

  /** The verdict is there: it is recorded first and given then. */
  #conclude(job: Job, verdict: Verdict | undefined): void {
    const { lead } = job;
    if (verdict === undefined) {
      if (!job.isLate) this.#giveUp(job, 'file-unreadable');
      this.#finish(job);
      return;
    }
    job.allowed = verdict.allowed;
    job.stamp = verdict.stamp;
    if (verdict.writersOff !== undefined) job.writers = new WaitingWriters(lead.fd, verdict.writersOff);
    if (isRenamed(lead, verdict, this.#parts.judge.decider)) job.isDoubtful = true;
    job.settled = () => {
      this.#cache.remember(lead, job.isDoubtful ? doubted(verdict) : verdict);
      this.#kernel?.confirm(job, verdict);
      if (verdict.isBusy && verdict.allowed && !this.#control.paused) this.#occupy(job);
      else if (verdict.gaveWay && !job.isLate) this.#giveWay(job);
      else this.#finish(job);
    };
    job.sequence = this.#record(verdict, lead.pid);
    if (job.sequence === undefined) job.settled();
    else if (this.#isBehind() && !job.isLate) this.#giveUp(job, 'answer-late');
  }

  /** Another thread sees to it that the kernel does not execute what somebody writes: this one may open nothing. */
  #occupy(job: Job): void {
    Object.assign(job, { allowed: false, settled: undefined });
    this.#parts.measurers.ask({ kind: 'occupy', id: job.lead.inodeKey, question: this.#caseOf(job) }, 0);
  }

  /** Who executes is let go on where the kernel is certain to refuse it; else he is refused here. */
  #occupied(job: Job | undefined, fd: number | undefined): void {
    if (fd !== undefined && (job === undefined || job.isLate)) this.#group.release(fd);
    else if (job !== undefined && fd !== undefined) Object.assign(job, { occupied: fd, allowed: true });
    if (job !== undefined) this.#finish(job);
  }

  /** Others go first; then it is asked about without making writers wait. */
  #giveWay({ lead, batch, later }: Job): void {
    this.#jobs.delete(lead.inodeKey);
    this.#again([...later, ...batch.map((opening) => ({ ...opening, gaveWay: true }))]);
  }

  /** @returns what has to be acknowledged; undefined where nothing is recorded */
  #record({ entries, audits, lost, path, failures }: Verdict | GateRecord, pid: number): number | undefined {
    if (entries.length > 0 || audits.length > 0 || failures.length > 0) {
      this.#parts.tell({ kind: 'decided', sequence: ++this.#sequence, entries, audits, failures, pid });
    }
    if (lost !== undefined) this.#lost(lost, path);
    return entries.length > 0 || lost !== undefined ? this.#sequence : undefined;
  }

  /** Nobody waits longer than the limit: what waits is let go or refused, and the job ends when its verdict is there. */
  #giveUp(job: Job, reason: LostReason): void {
    job.isLate = true;
    if (job.sequence !== undefined) this.#late = job.sequence;
    const isAllowed = this.#isAllowedLate(job);
    this.#lost(reason, descriptorPath(job.lead.fd));
    this.#group.answer(job.lead.fd, isAllowed);
    if (!isAllowed) this.#tally.denials++;
    for (const opening of [...job.batch.slice(1), ...job.later.splice(0)]) this.#answer(opening, isAllowed);
  }

  /** What waits for the list alone has its verdict, and is not let go against it. */
  #isAllowedLate({ allowed }: Job): boolean {
    return allowed && this.#parts.setup.failure === 'open';
  }

  /** Gives the answers, and asks again for those that came meanwhile. */
  #finish(job: Job): void {
    this.#jobs.delete(job.lead.inodeKey);
    if (job.isLate) this.#group.release(job.lead.fd);
    else if (isOutdated(job, this.#status, clock())) {
      this.#again([...job.batch, ...job.later], true);
      return;
    } else this.#settleAll(job);
    this.#again(job.later);
  }

  #settleAll(job: Job): void {
    const isTaken = this.#executing.add(job);
    for (const opening of job.batch) this.#settle(opening, job.allowed, isTaken && opening === job.lead);
  }

  #settle(opening: Opening, allowed: boolean, isTaken = false): void {
    if (allowed) this.#purposes.noteAllowed(opening, opening.inodeKey);
    if (isTaken) this.#group.answer(opening.fd, allowed);
    else this.#answer(opening, allowed);
  }

  /**
   * Those that the cache answers now are answered; the others ask anew, all at once where they ask the same.
   * @param isChanging somebody writes just now: this thread does not wait for that to end
   */
  #again(openings: readonly Opening[], isChanging = false): void {
    const { epoch } = this.#parts.judge.decider;
    const waiting = openings.filter((opening) => {
      const status = this.#status.read(opening.fd);
      const known = this.#cache.allowing(status, epoch, opening.verdictKey);
      const isKnown = opening.kind !== 'closed' && known !== undefined;
      if (isKnown) this.#kernel?.again(opening.fd, known);
      if (isKnown) this.#settle(opening, true);
      return !isKnown;
    });
    const [first, ...others] = waiting;
    if (first !== undefined) this.#ask(jobOf([first, ...others]), isChanging);
  }

  #answer({ kind, fd }: AskedEvent, allowed: boolean): void {
    if (!allowed) this.#tally.denials++;
    if (kind !== 'closed') this.#group.answer(fd, allowed);
    this.#group.release(fd);
  }

  #lost(reason: LostReason, path?: Uint8Array): void {
    this.#parts.tell({ kind: 'lost', sequence: ++this.#sequence, reason, path });
  }
}
