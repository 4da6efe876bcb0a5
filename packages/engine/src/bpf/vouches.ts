import { SystemError } from '@assay/core/errors';
import { BpfMap } from '@assay/linux/bpf';
import { changeTimeOf, FileStatus, probeWriters, type ChangeTime, type Stamp } from '@assay/linux/files';
import { MAPS, VOUCH, type VouchSetup } from './shared.ts';
import { updateSoon } from './update-soon.ts';

/** What `begin` found. */
export interface BegunVouch {
  readonly generation: number;
  /** It is vouched for these uses already, in the state of then. */
  readonly uses: number;
  readonly changed: ChangeTime;
}

/**
 * Tells the programs in the kernel for which files the engine vouches. A vouch is begun before the file is looked at, and
 * confirmed when the verdict is there: whoever opened the file for writing in between took it away, so that it cannot be
 * confirmed, and who had it open before was seen by `begin`. So what is vouched for did not change since it was hashed, on file
 * systems, too, whose change time does not tell. For one thread, and one question about an inode at a time.
 */
export class Vouches {
  readonly #map: BpfMap;
  readonly #generation: Int32Array;
  readonly #status = new FileStatus();

  constructor({ vouches, generation }: VouchSetup) {
    this.#map = new BpfMap(MAPS.vouches, vouches);
    this.#generation = new Int32Array(generation);
  }

  /** @returns undefined where nobody can vouch: somebody may be writing, or the kernel has no room. Whoever asks gets his answer. */
  begin(fd: number): BegunVouch | undefined {
    try {
      return this.#begin(fd);
    } catch (error) {
      if (error instanceof SystemError) return undefined;
      throw error;
    }
  }

  #begin(fd: number): BegunVouch | undefined {
    const generation = Atomics.load(this.#generation, 0);
    const { changed } = this.#status.read(fd);
    const uses = this.#usesOf(fd, generation, changed);
    if (uses > 0) return { generation, uses, changed };
    this.#write(generation, 0, undefined);
    updateSoon(this.#map);
    return probeWriters(fd) === 'none' ? { generation, uses, changed } : undefined;
  }

  /** @param stamp the state that the verdict is of */
  confirm(fd: number, begun: BegunVouch, stamp: Stamp, uses: number): void {
    try {
      this.#confirm(fd, begun, stamp, uses);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
    }
  }

  #confirm(fd: number, begun: BegunVouch, stamp: Stamp, uses: number): void {
    const changed = changeTimeOf(stamp);
    const before = isSame(changed, begun.changed) ? begun.uses : 0;
    if ((before & uses) === uses) return;
    this.#map.key.writeInt32LE(fd);
    this.#write(begun.generation, before | uses, changed);
    updateSoon(this.#map, 'present');
  }

  /** Vouches for a file of which a verdict is known that holds in this state. */
  again(fd: number, stamp: Stamp, uses: number): void {
    const begun = this.begin(fd);
    if (begun === undefined || (begun.uses & uses) === uses) return;
    if (this.#status.read(fd).matches(stamp)) this.confirm(fd, begun, stamp, uses);
  }

  /** Uses for which the kernel has a vouch of the file as it is now; leaves the descriptor in the key. */
  #usesOf(fd: number, generation: number, changed: ChangeTime): number {
    const { key, value } = this.#map;
    key.writeInt32LE(fd);
    if (!this.#map.look() || value.readUInt32LE(VOUCH.confirmed) === 0) return 0;
    if (value.readInt32LE(VOUCH.generation) !== generation) return 0;
    const vouched = {
      seconds: value.readBigInt64LE(VOUCH.seconds),
      nanoseconds: value.readUInt32LE(VOUCH.nanoseconds),
    };
    return isSame(vouched, changed) ? value.readUInt32LE(VOUCH.uses) : 0;
  }

  #write(generation: number, uses: number, changed: ChangeTime | undefined): void {
    const { value } = this.#map;
    value.fill(0);
    value.writeInt32LE(generation, VOUCH.generation);
    if (changed === undefined) return;
    value.writeUInt32LE(uses, VOUCH.uses);
    value.writeBigInt64LE(changed.seconds, VOUCH.seconds);
    value.writeUInt32LE(changed.nanoseconds, VOUCH.nanoseconds);
    value.writeUInt32LE(1, VOUCH.confirmed);
  }
}

function isSame(a: ChangeTime, b: ChangeTime): boolean {
  return a.seconds === b.seconds && a.nanoseconds === b.nanoseconds;
}
