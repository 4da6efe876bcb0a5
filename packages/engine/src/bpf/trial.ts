import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { SystemError } from '@assay/core/errors';
import { BpfMap, LsmProgram, type KernelTypes } from '@assay/linux/bpf';
import { errnoOf } from '@assay/linux/errno';
import { openingProgram } from './programs.ts';
import { MAPS } from './shared.ts';
import { updateSoon } from './update-soon.ts';

const GATE = 'the gate needs';
/** kernel/bpf/bpf_local_storage.c and mm/slub.c, kmalloc_nolock */
const NO_MEMORY = `${GATE} memory for values at inodes, which this kernel does not give (ENOMEM): since Linux 6.19 it takes a processor with cmpxchg16b (cx16)`;
/** There is one everywhere, which may be opened for writing without a change. */
const FILE = '/dev/null';
const { ENOMEM } = constants.errno;

/**
 * Tries what a kernel that takes the programs may lack nevertheless: values at inodes, which the programs find there.
 * @throws SystemError KERNEL-LACKS with what it lacks, NOT-PERMITTED, BPF-REFUSED, SYSTEM-CALL; FormatError BTF-FORM
 */
export function tryVouches(types: KernelTypes): void {
  using vouches = new BpfMap(MAPS.vouches);
  using opening = new LsmProgram(types, 'file_open', openingProgram({ types, vouches: vouches.fd }));
  tryOpening(vouches, opening);
}

/**
 * Puts a value at an inode and opens that for writing, whereupon the program has to take it away.
 * @param opening at the hook `file_open`, to which it is attached for the trial only
 * @throws SystemError KERNEL-LACKS, NOT-PERMITTED, SYSTEM-CALL
 */
export function tryOpening(vouches: BpfMap, opening: LsmProgram): void {
  const fd = openSync(FILE, 'r');
  try {
    opening.attach();
    vouches.key.writeInt32LE(fd);
    putValue(vouches);
    closeSync(openSync(FILE, 'r+'));
    if (vouches.look()) throw new SystemError('KERNEL-LACKS', `${GATE} programs that find what is kept at an inode`);
  } finally {
    opening.detach();
    closeSync(fd);
  }
}

function putValue(vouches: BpfMap): void {
  try {
    updateSoon(vouches);
  } catch (error) {
    if (errnoOf(error) !== ENOMEM) throw error;
    throw new SystemError('KERNEL-LACKS', NO_MEMORY, { cause: error });
  }
}
