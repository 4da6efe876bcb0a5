import { Reports } from '../bpf/reports.ts';
import type { VouchSetup } from '../bpf/shared.ts';
import { Vouches } from '../bpf/vouches.ts';
import { EngineControl } from '../decision/control.ts';
import type { DeciderSetup } from '../decision/setup.ts';
import type { Job } from './job.ts';
import type { Verdict } from './judge.ts';
import type { KnownFile, VerdictCache } from './verdict-cache.ts';

/** Of files that are no programs and mapped as if they were, there are few. */
const MOST_MAPPED = 4096;

/** What is to be recorded of something that ran without a verdict, or would have. */
export interface GateRecord extends Pick<Verdict, 'entries' | 'audits' | 'failures' | 'path'> {
  readonly lost?: 'ran-unasked';
  readonly pid: number;
}

/** The gate in the kernel as the reading thread has it: it vouches for files, and is told what had no verdict. */
export class KernelGate {
  readonly #vouches: Vouches;
  readonly #reports: Reports;
  readonly #control: EngineControl;
  readonly #cache: Pick<VerdictCache, 'forget'>;
  /** Keys of files that were mapped for execution, or should have been, and about whose mapping nobody was asked. */
  readonly #mapped = new Set<number>();

  /** @param cache forgets what is to be asked about anew */
  constructor(setup: VouchSetup, decider: DeciderSetup, cache: Pick<VerdictCache, 'forget'>) {
    this.#vouches = new Vouches(setup);
    this.#reports = new Reports(setup, decider.kernel.profile);
    this.#control = new EngineControl(decider.control);
    this.#cache = cache;
  }

  /** To be called before the file is looked at. In a pause nothing that is allowed is a verdict. */
  begin(job: Job): void {
    const { lead } = job;
    if (lead.kind !== 'closed' && !this.#control.paused) job.begun = this.#vouches.begin(lead.fd);
  }

  /** Whether it passed is asked only once: under another mode, nothing that was vouched for holds. */
  confirm({ lead, begun, isDoubtful }: Job, { allowed, lost, stamp, uses }: Verdict): void {
    if (begun === undefined || isDoubtful || !allowed || lost !== undefined) return;
    this.#vouches.confirm(lead.fd, begun, stamp, uses);
  }

  /** The verdict that is known is given again. Not while there is a question about the inode, whose answer is for all. */
  again(fd: number, { stamp, uses }: KnownFile): void {
    if (!this.#control.paused) this.#vouches.again(fd, stamp, uses);
  }

  /** Whether a mapping of the file is to be asked about when it is opened. */
  isMapped(inodeKey: number): boolean {
    return this.#mapped.has(inodeKey);
  }

  /** What it was told since the last call. What ran without a verdict is one gap, however much it was. */
  records(): GateRecord[] {
    const reports = this.#reports.take();
    for (const { audit, inodeKey } of reports) if (audit.func === 'MMAP_CHECK') this.#askAboutMapping(inodeKey);
    const ran = reports.find(({ refused }) => !refused);
    return reports.map((report) => {
      const { audit, path } = report;
      const lost = report === ran ? ({ lost: 'ran-unasked' } as const) : {};
      return { entries: [], audits: [audit], failures: [], path, pid: audit.pid, ...lost };
    });
  }

  #askAboutMapping(inodeKey: number): void {
    if (this.#mapped.size >= MOST_MAPPED) this.#mapped.clear();
    this.#mapped.add(inodeKey);
    this.#cache.forget(inodeKey);
  }
}
