import { constants } from 'node:os';
import { SystemError } from '@assay/core/errors';
import { bpf, callFailed, lastErrno, Pinned } from '../libc/index.ts';

/** include/uapi/linux/bpf.h, enum bpf_cmd */
export const COMMAND = {
  createMap: 0,
  look: 1,
  update: 2,
  remove: 3,
  load: 5,
  nextProgram: 11,
  loadTypes: 18,
  take: 21,
  link: 28,
} as const;

/** include/uapi/asm-generic/unistd.h and the table of x86-64. */
const NUMBERS: Readonly<Record<string, number>> = { x64: 321, arm64: 280 };
/** More than union bpf_attr has of any command that is used. */
const ATTRIBUTES = 128;
const { ENOENT, ENOSYS } = constants.errno;

/** A field of union bpf_attr: where it is, how many bytes, and its value. */
export type Field = readonly [offset: number, width: 4 | 8, value: number] | readonly [offset: number, name: string];

/** The attribute of one call, which may be made again. */
export class Attribute {
  readonly #memory = new Pinned(ATTRIBUTES);

  constructor(...fields: readonly Field[]) {
    for (const field of fields) this.#write(field);
  }

  #write(field: Field): void {
    const { bytes } = this.#memory;
    if (field.length === 2) bytes.write(field[1], field[0], 'latin1');
    else if (field[1] === 4) bytes.writeUInt32LE(field[2], field[0]);
    else bytes.writeBigUInt64LE(BigInt(field[2]), field[0]);
  }

  setWord(offset: number, value: number): void {
    this.#memory.bytes.writeUInt32LE(value, offset);
  }

  /** @returns what bpf(2) returns: -1 for a failure, of which `lastErrno` tells */
  call(command: number): number {
    const number = NUMBERS[process.arch];
    if (number === undefined) throw new SystemError('KERNEL-LACKS', `bpf(2) is not known on ${process.arch}`);
    return bpf(number, command, this.#memory.address, ATTRIBUTES);
  }
}

/** Asks for the first program that is loaded: there need not be one. @returns an errno; 0 where bpf(2) answers */
export function bpfErrno(): number {
  if (NUMBERS[process.arch] === undefined) return ENOSYS;
  if (new Attribute().call(COMMAND.nextProgram) >= 0) return 0;
  const errno = lastErrno();
  return errno === ENOENT ? 0 : errno;
}

/** @throws SystemError NOT-PERMITTED, KERNEL-LACKS, SYSTEM-CALL where the call failed */
export function checked(result: number, what: string): number {
  if (result < 0) throw callFailed(`bpf ${what}`, lastErrno(), 'CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN');
  return result;
}
