import { toHex } from '@assay/core/bytes';
import { evaluate, functionMask, ACCESS, type ActivePolicy, type Evaluation } from '@assay/core/policy';
import type { HookCall, OpenedFile, Task } from './contract.ts';
import type { EngineControl } from './control.ts';
import type { Updater } from './setup.ts';

/** What dpkg and rpm call a file until it takes the place of another one. */
const BESIDE = /(?:\.dpkg-new|;[0-9a-f]{8})$/;

/** Programs that install software, and who acts for them. */
export class Updaters {
  readonly #paths: ReadonlySet<string>;
  readonly #digests: ReadonlySet<string>;
  readonly #control: EngineControl;

  /** @param control knows those that were installed since the start */
  constructor(updaters: readonly Updater[], control: EngineControl) {
    this.#control = control;
    this.#paths = new Set(updaters.map(({ path }) => path));
    this.#digests = new Set(updaters.map(({ digest }) => digest));
  }

  /**
   * Whether a task acts for a program that installs software: it, or a process that it descends from, executes a file with
   * one of the digests, as root of the host. Names and paths prove nothing. In a container or a user namespace everybody can
   * be root, so there nobody counts.
   */
  include(task: Task): boolean {
    // The engine itself installs nothing, and asks about a file of its own many times before it begins.
    if (this.#digests.size === 0 || task.pid === process.pid) return false;
    const lineage = task.lineage();
    if (lineage[0]?.isRootOfHost !== true) return false;
    return lineage.some((process) => {
      const digest = process.isRootOfHost ? process.digest('sha256') : undefined;
      return digest !== undefined && this.#has(digest);
    });
  }

  /**
   * An updater wrote this. Where it is the next version of an updater, it counts as one from now on: who installs that may
   * install anything.
   * @returns whether it does
   */
  succeed(path: Uint8Array, sha256: Uint8Array): boolean {
    const name = Buffer.from(path).toString('latin1').replace(BESIDE, '');
    if (!this.#paths.has(name) || this.#has(sha256)) return false;
    this.#control.addUpdater(sha256);
    return true;
  }

  #has(sha256: Uint8Array): boolean {
    return this.#digests.has(toHex(sha256)) || this.#control.isNewUpdater(sha256);
  }
}

/** What may be done with a file once it is installed. */
const USES: readonly HookCall[] = [
  { func: 'FILE_CHECK', mask: ACCESS.MAY_WRITE },
  ...(
    [
      'FILE_CHECK',
      'BPRM_CHECK',
      'CREDS_CHECK',
      'MMAP_CHECK',
      'MMAP_CHECK_REQPROT',
      'MODULE_CHECK',
      'FIRMWARE_CHECK',
      'KEXEC_KERNEL_CHECK',
      'KEXEC_INITRAMFS_CHECK',
      'POLICY_CHECK',
    ] as const
  ).map((func) => ({ func, mask: functionMask(func) })),
];

/** Whether some use of a file that is installed asks for a label that an updater can give. */
export function asksForLabel(
  policy: ActivePolicy,
  file: Pick<OpenedFile, 'state' | 'fileSystem'>,
  task: Task,
): boolean {
  const { owner, group } = file.state;
  const about = { subject: task.subject(), file: { ...file.fileSystem, owner, group } };
  const isMet = ({ actions, demands }: Evaluation): boolean =>
    actions.has('hash') || (actions.has('appraise') && !demands.signature);
  return USES.some((use) => isMet(evaluate(policy, { ...use, ...about }, ['appraise', 'hash'])));
}
