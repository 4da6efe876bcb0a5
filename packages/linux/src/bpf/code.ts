// Instructions of BPF (Documentation/bpf/standardization/instruction-set.rst), as little-endian kernels take them.

export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;
/** Bytes. */
export type Width = 1 | 2 | 4 | 8;

const INSTRUCTION = 8;
/** The kernel takes more; programs of this package do not need it. */
const LONGEST = 4096;

const WIDTHS: Readonly<Record<Width, number>> = { 1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18 };
/** BPF_MEM in the classes LDX, ST, STX; BPF_ATOMIC in STX. */
const LOAD = 0x61;
const STORE_VALUE = 0x62;
const STORE = 0x63;
const ATOMIC = 0xc3;
/** BPF_ALU64 and BPF_JMP with a value; with a register it is 8 more. */
const OPERATIONS = { add: 0x07, or: 0x47, and: 0x57, shiftLeft: 0x67, shiftRight: 0x77, set: 0xb7 } as const;
const CONDITIONS = {
  '=': 0x15,
  '>': 0x25,
  '>=': 0x35,
  '&': 0x45,
  '!=': 0x55,
  'signed>': 0x65,
  '<': 0xa5,
} as const;
const BY_REGISTER = 0x08;
const JUMP = 0x05;
const CALL = 0x85;
const EXIT = 0x95;
/** BPF_LD | BPF_IMM | BPF_DW, which takes two instructions, and what its source register says then. */
const LOAD_64 = 0x18;
const MAP_DESCRIPTOR = 1;
const MAP_VALUE = 2;

/** A value, or the register that holds it. */
export type Operand = number | { readonly in: Register };

/** Instructions, written one after the other; jumps lead forward to labels. */
export class Code {
  readonly #words: { code: number; registers: number; offset: number; value: number }[] = [];
  readonly #labels = new Map<string, number>();
  readonly #jumps: { readonly from: number; readonly to: string }[] = [];

  /** `to` becomes a value or that of another register, or is changed by it; 64 bits, values with their sign. */
  calculate(operation: keyof typeof OPERATIONS, to: Register, by: Operand): this {
    return this.#operate(OPERATIONS[operation], to, by, 0);
  }

  set(to: Register, by: Operand): this {
    return this.calculate('set', to, by);
  }

  /** `to` becomes the bytes at an address. */
  load(width: Width, to: Register, at: Register, offset: number): this {
    return this.#emit(LOAD | WIDTHS[width], to, at, offset, 0);
  }

  /** Bytes at an address become a value or that of a register. */
  store(width: Width, at: Register, offset: number, what: Operand): this {
    if (typeof what === 'number') return this.#emit(STORE_VALUE | WIDTHS[width], at, 0, offset, what);
    return this.#emit(STORE | WIDTHS[width], at, what.in, offset, 0);
  }

  /** Adds a register to 64 bits at an address, at once for all processors. */
  addAt(at: Register, offset: number, what: Register): this {
    return this.#emit(ATOMIC | WIDTHS[8], at, what, offset, 0);
  }

  /** Calls a helper of the kernel by its number: arguments in 1 to 5, the result in 0. */
  call(helper: number): this {
    return this.#emit(CALL, 0, 0, 0, helper);
  }

  /** `to` becomes a map, which helpers take. */
  map(to: Register, fd: number): this {
    return this.#emit(LOAD_64, to, MAP_DESCRIPTOR, 0, fd).#emit(0, 0, 0, 0, 0);
  }

  /** `to` becomes the address of a value in an array of one. */
  value(to: Register, fd: number, offset: number): this {
    return this.#emit(LOAD_64, to, MAP_VALUE, 0, fd).#emit(0, 0, 0, 0, offset);
  }

  /** Goes on at a label. */
  jump(to: string): this {
    this.#jumps.push({ from: this.#words.length, to });
    return this.#emit(JUMP, 0, 0, 0, 0);
  }

  /** Goes on at a label where the condition holds; without sign, but for the one that names it. */
  jumpIf(left: Register, condition: keyof typeof CONDITIONS, right: Operand, to: string): this {
    this.#jumps.push({ from: this.#words.length, to });
    return this.#operate(CONDITIONS[condition], left, right, 0);
  }

  /** @throws RangeError where the label is there already */
  label(name: string): this {
    if (this.#labels.has(name)) throw new RangeError(`two labels ${name}`);
    this.#labels.set(name, this.#words.length);
    return this;
  }

  /** @param value what it ends with; left out: what is in register 0 */
  exit(value?: number): this {
    if (value !== undefined) this.set(0, value);
    return this.#emit(EXIT, 0, 0, 0, 0);
  }

  /** @throws RangeError for a label that is missing or lies behind, an offset or a value out of range, and code that is too long */
  bytes(): Uint8Array {
    if (this.#words.length > LONGEST) throw new RangeError(`${this.#words.length} instructions`);
    for (const { from, to } of this.#jumps) {
      const word = this.#words[from];
      const target = this.#labels.get(to);
      if (word === undefined || target === undefined || target <= from) throw new RangeError(`no label ${to} follows`);
      word.offset = target - from - 1;
    }
    const bytes = Buffer.alloc(this.#words.length * INSTRUCTION);
    for (const [index, { code, registers, offset, value }] of this.#words.entries()) {
      const at = index * INSTRUCTION;
      bytes.writeUInt8(code, at);
      bytes.writeUInt8(registers, at + 1);
      bytes.writeInt16LE(offset, at + 2);
      bytes.writeInt32LE(value, at + 4);
    }
    return bytes;
  }

  #operate(code: number, to: Register, by: Operand, offset: number): this {
    if (typeof by === 'number') return this.#emit(code, to, 0, offset, by);
    return this.#emit(code | BY_REGISTER, to, by.in, offset, 0);
  }

  #emit(code: number, destination: Register, source: Register, offset: number, value: number): this {
    this.#words.push({ code, registers: destination | (source << 4), offset, value });
    return this;
  }
}
