import { printable } from '@assay/core/bytes';
import type { AuditEvent } from './decision/contract.ts';

/** An audit record as people and programs are shown it. */
export interface RecentAudit {
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly type: string;
  readonly denied: boolean;
  readonly pid: number;
  /** Escaped. */
  readonly path: string;
  readonly func?: string;
  readonly cause?: string;
  readonly rule?: string;
}

/** The newest audit records, in memory: what a status can tell of them without a file. The oldest goes first. */
export class RecentAudits {
  readonly #limit: number;
  readonly #audits: RecentAudit[] = [];

  constructor(limit = 64) {
    this.#limit = limit;
  }

  add({ type, denied, pid, path, func, cause, rule }: AuditEvent): void {
    const known = Object.entries({ func, cause, rule }).filter(([, value]) => value !== undefined);
    const time = new Date().toISOString();
    this.#audits.push({ time, type, denied, pid, path: printable(path), ...Object.fromEntries(known) });
    if (this.#audits.length > this.#limit) this.#audits.shift();
  }

  /** Oldest first. */
  get all(): readonly RecentAudit[] {
    return [...this.#audits];
  }
}
