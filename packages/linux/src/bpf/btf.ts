import { FormatError } from '@assay/core/errors';

// Types of a kernel in the BPF Type Format (Documentation/bpf/btf.rst), as /sys/kernel/btf/vmlinux has them: in the byte order of
// the machine, which is little-endian on all that this package runs on.

const MAGIC = 0xeb9f;
const VERSION = 1;
/** struct btf_header; later kernels may append to it. */
const HEADER_LENGTH = 24;
const LONGEST_HEADER = 256;
/** struct btf_type */
const TYPE_LENGTH = 12;
const MEMBER_LENGTH = 12;
/** struct btf_param */
const PARAMETER_LENGTH = 8;
const LENGTH_LIMIT = 64 * 1024 * 1024;
/** BTF_MAX_TYPE */
const MOST_TYPES = 0xfffff;
const DEEPEST = 32;
/** Members that are looked at to find one. */
const MOST_LOOKED_AT = 100_000;
/** Bits of `info` that mean nothing yet. */
const UNUSED_INFO = 0x60ff_0000;

const INT = 1;
const PTR = 2;
const ARRAY = 3;
const STRUCT = 4;
const UNION = 5;
const ENUM = 6;
const TYPEDEF = 8;
const FUNC = 12;
const FUNC_PROTO = 13;
const FLOAT = 16;
const ENUM64 = 19;

/** What follows struct btf_type: bytes, and bytes for each of its `vlen` parts. By kind. */
const TAILS: readonly (readonly [fixed: number, each: number] | undefined)[] = [
  undefined, // void
  [4, 0], // INT
  [0, 0], // PTR
  [12, 0], // ARRAY
  [0, MEMBER_LENGTH], // STRUCT
  [0, MEMBER_LENGTH], // UNION
  [0, 8], // ENUM
  [0, 0], // FWD
  [0, 0], // TYPEDEF
  [0, 0], // VOLATILE
  [0, 0], // CONST
  [0, 0], // RESTRICT
  [0, 0], // FUNC
  [0, PARAMETER_LENGTH], // FUNC_PROTO
  [4, 0], // VAR
  [0, 12], // DATASEC
  [0, 0], // FLOAT
  [4, 0], // DECL_TAG
  [0, 0], // TYPE_TAG
  [0, 12], // ENUM64
];
/** Kinds that stand for another type: TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG. */
const ALIASES: readonly number[] = [TYPEDEF, 9, 10, 11, 18];
/** Kinds whose third word is a type. */
const REFERRING: readonly boolean[] = TAILS.map((_, kind) => [PTR, ...ALIASES, FUNC, 14, 17].includes(kind));
const SIZED: readonly number[] = [INT, STRUCT, UNION, ENUM, FLOAT, ENUM64];

/** Where a member lies in its structure, in bytes. */
export interface Member {
  readonly offset: number;
  readonly size: number;
}

/** Types of one kernel. Made by `parseKernelTypes` alone. */
export interface KernelTypes {
  /** How many types there are. */
  readonly count: number;
  /** Number of a function of the kernel; undefined where it has none of that name. */
  functionId(name: string): number | undefined;
  /** Names of what a function is called with, in their order; undefined where the kernel has none of that name. */
  parameters(name: string): readonly string[] | undefined;
  /**
   * A member by its path, such as `f_path.dentry`; what stands in structures and unions without a name counts as the outer one's.
   * @returns undefined where the kernel has no such structure or member
   * @throws FormatError BTF-FORM for a bit field, and where two structures of different layout have the name
   */
  member(structure: string, path: string): Member | undefined;
}

/** @throws FormatError BTF-FORM, BYTES-LIMIT */
export function parseKernelTypes(bytes: Uint8Array): KernelTypes {
  return new Types(bytes);
}

interface Found {
  readonly type: number;
  /** Bits. */
  readonly at: number;
  readonly isBitField: boolean;
}

class Types implements KernelTypes {
  readonly count: number;
  readonly #view: DataView;
  readonly #bytes: Buffer;
  /** Where struct btf_type number N lies; 0 is void. */
  readonly #offsets: Uint32Array;
  readonly #names: Section;
  #lookedAt = 0;

  constructor(bytes: Uint8Array) {
    if (bytes.length > LENGTH_LIMIT) throw new FormatError('BYTES-LIMIT', `types have ${bytes.length} bytes`);
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const { types, names } = sections(this.#view);
    this.#names = names;
    if (names.start === names.end || bytes[names.start] !== 0 || bytes[names.end - 1] !== 0)
      throw wrong(names.start, 'the names do not begin and end with a zero');
    this.#offsets = offsetsOf(this.#view, types);
    this.count = this.#offsets.length;
    for (let id = 1; id < this.count; id++) this.#check(id);
  }

  functionId(name: string): number | undefined {
    return this.#named(FUNC, name)[0];
  }

  parameters(name: string): readonly string[] | undefined {
    const id = this.functionId(name);
    const prototype = id === undefined ? 0 : this.#word(id, 8);
    if (prototype === 0 || this.#kind(prototype) !== FUNC_PROTO) return undefined;
    const first = this.#offset(prototype) + TYPE_LENGTH;
    return Array.from({ length: this.#parts(prototype) }, (_, index) =>
      this.#name(this.#view.getUint32(first + index * PARAMETER_LENGTH, true)),
    );
  }

  member(structure: string, path: string): Member | undefined {
    this.#lookedAt = 0;
    const members = this.#named(STRUCT, structure).map((id) => this.#walk(id, path.split('.')));
    const [first] = members;
    if (members.some((member) => member?.offset !== first?.offset || member?.size !== first?.size))
      throw wrong(0, `there is more than one struct ${structure}`);
    return first;
  }

  #check(id: number): void {
    const at = this.#offset(id);
    if (this.#word(id, 0) >= this.#names.end - this.#names.start) throw wrong(at, 'a name lies behind the names');
    if (REFERRING[this.#kind(id)] === true) this.#checked(this.#word(id, 8), at);
  }

  #named(kind: number, name: string): number[] {
    const wanted = Buffer.from(`${name}\0`, 'latin1');
    const found: number[] = [];
    for (let id = 1; id < this.count; id++) {
      if (this.#kind(id) === kind && this.#isAt(this.#names.start + this.#word(id, 0), wanted)) found.push(id);
    }
    return found;
  }

  #isAt(start: number, wanted: Buffer): boolean {
    for (let index = 0; index < wanted.length; index++) {
      if (this.#bytes[start + index] !== wanted[index]) return false;
    }
    return true;
  }

  #walk(structure: number, path: readonly string[]): Member | undefined {
    let id = structure;
    let bits = 0;
    for (const name of path) {
      const found = this.#find(this.#plain(id), Buffer.from(`${name}\0`, 'latin1'), 0);
      if (found === undefined) return undefined;
      if (found.isBitField || found.at % 8 !== 0) throw wrong(this.#offset(id), `${path.join('.')} is a bit field`);
      bits += found.at;
      id = found.type;
    }
    return { offset: bits / 8, size: this.#size(id, 0) };
  }

  #find(id: number, wanted: Buffer, depth: number): Found | undefined {
    const kind = id === 0 ? 0 : this.#kind(id);
    if ((kind !== STRUCT && kind !== UNION) || depth > DEEPEST) return undefined;
    const hasSizes = this.#word(id, 4) >>> 31 === 1;
    for (let index = 0; index < this.#parts(id); index++) {
      const at = this.#offset(id) + TYPE_LENGTH + index * MEMBER_LENGTH;
      if (++this.#lookedAt > MOST_LOOKED_AT) throw wrong(at, 'structures have too many members');
      const nameAt = this.#view.getUint32(at, true);
      const type = this.#checked(this.#view.getUint32(at + 4, true), at);
      const place = this.#view.getUint32(at + 8, true);
      const bits = hasSizes ? place & 0xff_ffff : place;
      if (nameAt !== 0 && this.#isAt(this.#names.start + nameAt, wanted))
        return { type, at: bits, isBitField: hasSizes && place >>> 24 > 0 };
      const inner = nameAt === 0 ? this.#find(this.#plain(type), wanted, depth + 1) : undefined;
      if (inner !== undefined) return { ...inner, at: bits + inner.at };
    }
    return undefined;
  }

  /** The type that the names for it lead to. */
  #plain(id: number): number {
    let plain = id;
    for (let depth = 0; depth < DEEPEST; depth++) {
      if (plain === 0 || !ALIASES.includes(this.#kind(plain))) return plain;
      plain = this.#word(plain, 8);
    }
    throw wrong(this.#offset(id), 'a type has too many names');
  }

  /** Bytes; 0 where a type has none. */
  #size(id: number, depth: number): number {
    const plain = this.#plain(id);
    const kind = plain === 0 ? 0 : this.#kind(plain);
    if (kind === PTR) return 8;
    if (SIZED.includes(kind)) return this.#word(plain, 8);
    if (kind !== ARRAY || depth > DEEPEST) return 0;
    const at = this.#offset(plain) + TYPE_LENGTH;
    const element = this.#checked(this.#view.getUint32(at, true), at);
    return this.#view.getUint32(at + 8, true) * this.#size(element, depth + 1);
  }

  #offset(id: number): number {
    return this.#offsets[id] ?? 0;
  }

  #word(id: number, offset: number): number {
    return this.#view.getUint32(this.#offset(id) + offset, true);
  }

  #kind(id: number): number {
    return kindOf(this.#word(id, 4));
  }

  #parts(id: number): number {
    return this.#word(id, 4) & 0xffff;
  }

  #name(nameAt: number): string {
    const start = this.#names.start + nameAt;
    if (start >= this.#names.end) throw wrong(start, 'a name lies behind the names');
    return this.#bytes.toString('latin1', start, this.#bytes.indexOf(0, start));
  }

  #checked(type: number, at: number): number {
    if (type >= this.count) throw wrong(at, `there is no type ${type}`);
    return type;
  }
}

interface Section {
  readonly start: number;
  readonly end: number;
}

function sections(view: DataView): { readonly types: Section; readonly names: Section } {
  if (view.byteLength < HEADER_LENGTH) throw wrong(0, 'it is shorter than its header');
  if (view.getUint16(0, true) !== MAGIC) throw wrong(0, 'it does not begin as types do');
  if (view.getUint8(2) !== VERSION || view.getUint8(3) !== 0) throw wrong(2, 'it is of another version');
  const header = view.getUint32(4, true);
  if (header < HEADER_LENGTH || header > LONGEST_HEADER) throw wrong(4, `its header has ${header} bytes`);
  const section = (at: number): Section => {
    const start = header + view.getUint32(at, true);
    const end = start + view.getUint32(at + 4, true);
    if (end > view.byteLength) throw wrong(at, 'a section lies behind the end');
    return { start, end };
  };
  const [types, names] = [section(8), section(16)];
  if (types.start % 4 !== 0 || types.end > names.start) throw wrong(8, 'its sections are not in order');
  if (names.end !== view.byteLength) throw wrong(names.end, 'bytes follow the names');
  return { types, names };
}

/** Where each type begins. */
function offsetsOf(view: DataView, { start, end }: Section): Uint32Array {
  const offsets = [0];
  let at = start;
  while (at < end) {
    if (at + TYPE_LENGTH > end) throw wrong(at, 'a type lies behind the types');
    const info = view.getUint32(at + 4, true);
    const tail = TAILS[kindOf(info)];
    if (tail === undefined || (info & UNUSED_INFO) !== 0) throw wrong(at, `no kind of type has the number ${info}`);
    if (offsets.length > MOST_TYPES) throw new FormatError('BYTES-LIMIT', `more than ${MOST_TYPES} types`);
    offsets.push(at);
    at += TYPE_LENGTH + tail[0] + tail[1] * (info & 0xffff);
  }
  if (at !== end) throw wrong(at, 'a type lies behind the types');
  return Uint32Array.from(offsets);
}

function kindOf(info: number): number {
  return (info >>> 24) & 0x1f;
}

function wrong(offset: number, what: string): FormatError {
  return new FormatError('BTF-FORM', `types of the kernel, byte ${offset}: ${what}`, { offset });
}
