import { closeSync, constants, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { printable } from '@assay/core/bytes';
import { openJournal, type Journal } from '@assay/linux/journal';
import type { AuditEvent } from './decision/contract.ts';

/** In the directory of the engine: a JSON object on each line. */
const FILE = 'audit.jsonl';
/** A larger file becomes `audit.jsonl.1`; the one that was there is gone. */
const LARGEST = 16 * 1024 * 1024;
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;

/** LOG_WARNING and LOG_NOTICE of syslog(3) */
const WARNING = 4;
const NOTICE = 5;

/**
 * Audit records for people and programs: to the journal or syslog, which are never waited for, since what reads them may
 * wait for the engine; and into a file of the engine's directory.
 */
export class AuditLog {
  readonly #directory: string;
  readonly #journal: Journal | undefined;
  #fd: number;
  #dropped = 0;

  constructor(directory: string, journal = openJournal('assay-engine')) {
    this.#directory = directory;
    this.#journal = journal;
    this.#fd = openSync(join(directory, FILE), APPEND, 0o600);
  }

  /** How many records either did not take. */
  get dropped(): number {
    return this.#dropped;
  }

  write(event: AuditEvent): void {
    const isTaken = this.#journal?.write(event.denied ? WARNING : NOTICE, [
      ['MESSAGE', `${event.type} ${event.text}`],
      ['ASSAY_TYPE', event.type],
      ['ASSAY_DENIED', event.denied ? '1' : '0'],
      ['ASSAY_PATH', event.path],
      ...(event.cause === undefined ? [] : [['ASSAY_CAUSE', event.cause] as const]),
      ...(event.rule === undefined ? [] : [['ASSAY_RULE', event.rule] as const]),
    ]);
    const isWritten = this.#append(`${JSON.stringify(documentOf(event))}\n`);
    if (isTaken === false || !isWritten) this.#dropped += 1;
  }

  close(): void {
    this.#journal?.close();
    closeSync(this.#fd);
  }

  #append(line: string): boolean {
    try {
      if (fstatSync(this.#fd).size > LARGEST) this.#begin();
      return writeSync(this.#fd, line) === Buffer.byteLength(line);
    } catch {
      return false; // The disk is full: the list matters more, and says so itself.
    }
  }

  #begin(): void {
    const path = join(this.#directory, FILE);
    renameSync(path, `${path}.1`);
    const next = openSync(path, APPEND, 0o600);
    closeSync(this.#fd);
    this.#fd = next;
  }
}

function documentOf({ type, kind, denied, pid, path, func, rule, cause, text }: AuditEvent): object {
  return { time: new Date().toISOString(), type, kind, denied, pid, path: printable(path), func, rule, cause, text };
}
