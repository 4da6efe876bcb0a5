import { closeSync, constants, openSync } from 'node:fs';
import { SystemError } from '@assay/core/errors';
import { FileStatus } from '@assay/linux/files';
import type { OpenedFile, Task } from './decision/contract.ts';
import { EventFile } from './gate/event-file.ts';
import { FileSystems } from './gate/file-systems.ts';
import { taskOf } from './gate/task.ts';

/** Whatever it takes: nobody waits for an answer. */
const NEVER = (): boolean => false;

/** A file of this machine as an event would bring it, to ask about it without one. Use it with `using`. */
export class ExplainedFile implements Disposable {
  readonly file: OpenedFile;
  /** This process, as the task that opens it. */
  readonly task: Task = taskOf(process.pid);
  readonly #fd: number;

  /**
   * @param path a symbolic link is followed
   * @throws SystemError SYSTEM-CALL for what is no regular file; Error of open(2)
   */
  constructor(path: string | Uint8Array, isWriting = false) {
    const target = typeof path === 'string' ? path : Buffer.from(path);
    this.#fd = openSync(target, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const status = new FileStatus().read(this.#fd);
    if (!status.isRegular) {
      closeSync(this.#fd);
      throw new SystemError('SYSTEM-CALL', `${String(path)} is no regular file: no rule is asked about it`);
    }
    const fileSystem = new FileSystems({ doubts: 0 }).of(status, this.#fd);
    const asked = { digests: undefined, isWriting, keepsWritersOff: false, isOver: NEVER };
    this.file = new EventFile({ fd: this.#fd, status, fileSystem, ...asked });
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
