import { constants } from 'node:os';
import { callFailed, close, lastErrno, Pinned } from '../libc/index.ts';
import { Attribute, checked, COMMAND, type Field } from './call.ts';

/** include/uapi/linux/bpf.h, enum bpf_map_type, and flags that maps of the type must have (BPF_F_NO_PREALLOC). */
const KINDS = {
  hash: { number: 1, flags: 0 },
  array: { number: 2, flags: 0 },
  cgroups: { number: 8, flags: 0 },
  queue: { number: 22, flags: 0 },
  inodes: { number: 28, flags: 1 },
} as const;
const { ENOENT, EEXIST } = constants.errno;

/** Where union bpf_attr has BPF_ANY, BPF_NOEXIST or BPF_EXIST. */
const FLAGS = 24;
const WHEN = { always: 0, absent: 1, present: 2 } as const;

export interface MapSetup {
  /**
   * `inodes` keeps a value at an inode as long as the inode is in memory (BPF_MAP_TYPE_INODE_STORAGE): its key is an open
   * descriptor. `queue` has no keys. The keys of `array` and `cgroups` are indexes; a value of `cgroups` is a descriptor.
   */
  readonly kind: keyof typeof KINDS;
  /** At most 15 letters, digits, `_` and `.`. */
  readonly name: string;
  /** Bytes. */
  readonly keySize: 0 | 4 | 8;
  readonly valueSize: number;
  /** 0 for `inodes`. */
  readonly entries: number;
}

/**
 * A map of the kernel, which programs and this process share. Values are copied; `key` and `value` are memory of its own, of
 * which each call is made. It goes with its descriptor and the programs that use it.
 */
export class BpfMap implements Disposable {
  readonly fd: number;
  readonly key: Buffer;
  readonly value: Buffer;
  readonly #attribute: Attribute;
  /** The kernel wants nothing but the key of what is removed. */
  readonly #removal: Attribute;
  readonly #isShared: boolean;

  /**
   * @param shared descriptor of a map that was made so, which another thread closes
   * @throws SystemError NOT-PERMITTED, KERNEL-LACKS, SYSTEM-CALL
   */
  constructor(setup: MapSetup, shared?: number) {
    const { keySize, valueSize } = setup;
    this.#isShared = shared !== undefined;
    this.fd = shared ?? makeMap(setup);
    const [keyMemory, valueMemory] = [new Pinned(Math.max(keySize, 8)), new Pinned(Math.max(valueSize, 8))];
    this.key = keyMemory.bytes;
    this.value = valueMemory.bytes;
    // A queue refuses a key.
    const keyAddress = keySize === 0 ? 0 : keyMemory.address;
    this.#attribute = new Attribute([0, 4, this.fd], [8, 8, keyAddress], [16, 8, valueMemory.address]);
    this.#removal = new Attribute([0, 4, this.fd], [8, 8, keyAddress]);
  }

  /** Fills `value` with that of `key`. @returns false where there is none. @throws SystemError SYSTEM-CALL */
  look(): boolean {
    return this.#call(COMMAND.look, this.#attribute, 'to look into a map');
  }

  /** Fills `value` with the oldest of a queue. @returns false where it is empty. @throws SystemError SYSTEM-CALL */
  take(): boolean {
    return this.#call(COMMAND.take, this.#attribute, 'to take from a queue');
  }

  /**
   * Gives `key` what is in `value`.
   * @param when `absent`: only if it has none; `present`: only if it has one. Not for queues and arrays
   * @returns false where that is not so
   * @throws SystemError SYSTEM-CALL
   */
  update(when: keyof typeof WHEN = 'always'): boolean {
    this.#attribute.setWord(FLAGS, WHEN[when]);
    const updated = this.#call(COMMAND.update, this.#attribute, 'to change a map');
    this.#attribute.setWord(FLAGS, 0);
    return updated;
  }

  /** @returns false where `key` had none. @throws SystemError SYSTEM-CALL */
  remove(): boolean {
    return this.#call(COMMAND.remove, this.#removal, 'to remove from a map');
  }

  #call(command: number, attribute: Attribute, what: string): boolean {
    if (attribute.call(command) >= 0) return true;
    const errno = lastErrno();
    if (errno === ENOENT || errno === EEXIST) return false;
    throw callFailed(`bpf ${what}`, errno);
  }

  [Symbol.dispose](): void {
    if (!this.#isShared) close(this.fd);
  }
}

function makeMap({ kind, name, keySize, valueSize, entries }: MapSetup): number {
  const { number, flags } = KINDS[kind];
  const types = kind === 'inodes' ? loadValueTypes(valueSize) : undefined;
  const sizes: readonly Field[] = [
    [0, 4, number],
    [4, 4, keySize],
    [8, 4, valueSize],
    [12, 4, entries],
    [16, 4, flags],
    [28, name],
  ];
  const typed: readonly Field[] = [
    [48, 4, types ?? 0],
    [52, 4, KEY_TYPE],
    [56, 4, VALUE_TYPE],
  ];
  const fd = new Attribute(...sizes, ...(types === undefined ? [] : typed)).call(COMMAND.createMap);
  const errno = lastErrno();
  // The map keeps them.
  if (types !== undefined) close(types);
  if (fd < 0) throw callFailed(`bpf to make the map ${name}`, errno, 'CAP_BPF');
  return fd;
}

const KEY_TYPE = 1;
const VALUE_TYPE = 2;

/**
 * Types of a map's key and value, without which the kernel makes no map of inodes: an int, and an array of bytes.
 * @throws SystemError NOT-PERMITTED, SYSTEM-CALL
 */
function loadValueTypes(valueSize: number): number {
  const names = Buffer.from('\0int\0byte\0', 'latin1');
  const kind = (number: number): number => number << 24;
  const SIGNED = 1 << 24;
  const int = [1, kind(1), 4, SIGNED | 32];
  const array = [0, kind(3), 0, 3, KEY_TYPE, valueSize];
  const byte = [5, kind(1), 1, 8];
  const words = [...int, ...array, ...byte];
  const types = Buffer.from(Uint32Array.from(words).buffer);
  const header = Buffer.alloc(24);
  header.writeUInt16LE(0xeb9f, 0);
  header.writeUInt8(1, 2);
  for (const [index, word] of [24, 0, types.length, types.length, names.length].entries())
    header.writeUInt32LE(word, 4 + index * 4);
  const all = new Pinned(header.length + types.length + names.length);
  Buffer.concat([header, types, names]).copy(all.bytes);
  return checked(
    new Attribute([0, 8, all.address], [16, 4, all.bytes.length]).call(COMMAND.loadTypes),
    'to load types',
  );
}
