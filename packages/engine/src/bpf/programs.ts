import { constants } from 'node:os';
import { Code, type KernelTypes } from '@assay/linux/bpf';
import { argumentOf, layoutOf, type Layout } from './layout.ts';
import { COMM_SIZE, CONFIG, COUNTER, HOOKS, NAME_SIZE, REASONS, REPORT, USE, VOUCH, type GateHook } from './shared.ts';

/** include/uapi/linux/bpf.h, enum bpf_func_id */
const HELPER = {
  lookUp: 1,
  now: 5,
  task: 14,
  user: 15,
  comm: 16,
  isUnderCgroup: 37,
  push: 87,
  copyText: 115,
  storageOf: 145,
  dropStorage: 146,
} as const;
const PROT_EXEC = 4;
const VM_EXEC = 4n;
/** include/linux/fs.h */
const FMODE_WRITE = 2;
const IS_NEGATIVE = -0x8000_0000;
/** Since Linux 6.13 the highest bit of the nanoseconds says that somebody asked for them (I_CTIME_QUERIED). */
const NANOSECONDS = 0x7fff_ffff;

// Registers that outlive calls.
const CONTEXT = 6;
const FILE = 7;
const INODE = 8;
const CONFIGURATION = 9;
const STACK = 10;
/** Below the report on the stack. */
const REPORT_AT = -REPORT.size;
const DEVICE_AT = REPORT_AT - 8;
const REASON_AT = REPORT_AT - 16;

export interface ProgramParts {
  readonly types: KernelTypes;
  /** Descriptors of the maps. */
  readonly vouches: number;
  readonly config: number;
  readonly counters: number;
  readonly reports: number;
  readonly devices: number;
  readonly cgroups: number;
  /** How many cgroups there are in that map. */
  readonly cgroupCount: number;
}

/**
 * A program that lets a file be executed, or mapped for execution, if the engine vouches for it: for this use, in this
 * generation, with this change time, and nobody has it open for writing. Who is not in its scope it does not touch: files of
 * watched file systems, whoever uses them, and all files that processes of the named cgroups use.
 */
export function gateProgram(hook: GateHook, parts: ProgramParts): Uint8Array {
  const layout = layoutOf(parts.types);
  const code = new Code().set(CONTEXT, { in: 1 });
  takeFile(code, hook, parts.types, layout);
  leaveScope(code, parts, layout);
  checkVouch(code, hook === 'bprm_check_security' ? USE.exec : USE.map, parts, layout);
  report(code, hook, parts, layout);
  return code.label('out').exit(0).bytes();
}

/** FILE and INODE are those of the use; what is none of execution goes out. */
function takeFile(code: Code, hook: GateHook, types: KernelTypes, layout: Layout): void {
  const argument = (name: string): number => argumentOf(types, hook, name);
  if (hook === 'bprm_check_security') {
    code.load(8, FILE, CONTEXT, argument('bprm')).load(8, FILE, FILE, layout.programFile);
  } else {
    code.load(8, 1, CONTEXT, argument('prot')).calculate('and', 1, PROT_EXEC).jumpIf(1, '=', 0, 'out');
    if (hook === 'mmap_file') code.load(8, FILE, CONTEXT, argument('file'));
    else {
      // What may be executed already was asked about when it was mapped (ima_main.c, ima_file_mprotect).
      code.load(8, 1, CONTEXT, argument('vma')).load(8, 2, 1, layout.areaFlags);
      code.calculate('and', 2, Number(VM_EXEC)).jumpIf(2, '!=', 0, 'out').load(8, FILE, 1, layout.areaFile);
    }
  }
  code.jumpIf(FILE, '=', 0, 'out').load(8, INODE, FILE, layout.fileInode).jumpIf(INODE, '=', 0, 'out');
}

function leaveScope(code: Code, parts: ProgramParts, layout: Layout): void {
  code.value(CONFIGURATION, parts.config, 0);
  code.call(HELPER.task).calculate('shiftRight', 0, 32).load(4, 1, CONFIGURATION, CONFIG.own);
  code.jumpIf(0, '=', { in: 1 }, 'out');
  code.load(8, 1, INODE, layout.inodeSuper).load(4, 1, 1, layout.superDevice);
  code.store(8, STACK, DEVICE_AT, { in: 1 });
  code.map(1, parts.devices).set(2, { in: STACK }).calculate('add', 2, DEVICE_AT);
  code.call(HELPER.lookUp).jumpIf(0, '!=', 0, 'in scope');
  for (let index = 0; index < parts.cgroupCount; index++)
    code.map(1, parts.cgroups).set(2, index).call(HELPER.isUnderCgroup).jumpIf(0, '=', 1, 'in scope');
  code.jump('out').label('in scope');
}

/** Goes out where the vouch is good, on with the reason where it is not. */
function checkVouch(code: Code, use: number, { vouches, counters }: ProgramParts, layout: Layout): void {
  code.store(8, STACK, REASON_AT, REASONS.indexOf('unasked'));
  code.map(1, vouches).set(2, { in: INODE }).set(3, 0).set(4, 0).call(HELPER.storageOf);
  code.jumpIf(0, '=', 0, 'bad');
  code.load(4, 1, 0, VOUCH.confirmed).jumpIf(1, '=', 0, 'bad');
  code.load(4, 1, 0, VOUCH.generation).load(4, 2, CONFIGURATION, CONFIG.generation);
  code.jumpIf(1, '!=', { in: 2 }, 'bad');
  code.load(4, 1, 0, VOUCH.uses).calculate('and', 1, use).jumpIf(1, '=', 0, 'bad');
  code.store(8, STACK, REASON_AT, REASONS.indexOf('open_writers'));
  code.load(4, 1, INODE, layout.inodeWriters).jumpIf(1, '=', 0, 'unwritten');
  // Less than zero: it is executed, and nobody may write.
  code.jumpIf(1, '&', IS_NEGATIVE, 'unwritten').jump('bad').label('unwritten');
  code.store(8, STACK, REASON_AT, REASONS.indexOf('changed'));
  code.load(8, 1, 0, VOUCH.seconds).load(8, 2, INODE, layout.inodeSeconds).jumpIf(1, '!=', { in: 2 }, 'bad');
  code.load(4, 1, 0, VOUCH.nanoseconds).load(4, 2, INODE, layout.inodeNanoseconds);
  code.calculate('and', 2, NANOSECONDS).jumpIf(1, '!=', { in: 2 }, 'bad');
  count(code, counters, COUNTER.passed);
  code.jump('out').label('bad');
}

/** Queues what the engine is to know, and refuses where that is due. */
function report(code: Code, hook: GateHook, { counters, reports }: ProgramParts, layout: Layout): void {
  const at = (field: keyof typeof REPORT): number => REPORT_AT + REPORT[field];
  code.store(4, STACK, at('hook'), HOOKS.indexOf(hook));
  code.load(8, 1, STACK, REASON_AT).store(4, STACK, at('reason'), { in: 1 });
  code.load(8, 1, STACK, DEVICE_AT).store(4, STACK, at('device'), { in: 1 });
  code.load(8, 1, INODE, layout.inodeNumber).store(8, STACK, at('inode'), { in: 1 });
  code.call(HELPER.task).store(8, STACK, at('task'), { in: 0 });
  code.call(HELPER.user).store(8, STACK, at('user'), { in: 0 });
  code.set(1, { in: STACK }).calculate('add', 1, at('comm')).set(2, COMM_SIZE).call(HELPER.comm);
  for (let index = 0; index < NAME_SIZE; index += 8) code.store(8, STACK, at('name') + index, 0);
  code.load(8, 3, FILE, layout.fileDentry).load(8, 3, 3, layout.dentryName);
  code.set(1, { in: STACK }).calculate('add', 1, at('name')).set(2, NAME_SIZE).call(HELPER.copyText);
  code.set(FILE, 0).call(HELPER.now).load(8, 1, CONFIGURATION, CONFIG.enforceUntil);
  code.jumpIf(0, '>=', { in: 1 }, 'decided').set(FILE, 1).label('decided');
  code.store(4, STACK, at('refused'), { in: FILE });
  code.map(1, reports).set(2, { in: STACK }).calculate('add', 2, REPORT_AT).set(3, 0).call(HELPER.push);
  code.jumpIf(0, '=', 0, 'pushed');
  count(code, counters, COUNTER.dropped);
  code.label('pushed').jumpIf(FILE, '!=', 0, 'refuse');
  count(code, counters, COUNTER.unasked);
  code.jump('out').label('refuse');
  count(code, counters, COUNTER.refused);
  code.exit(-constants.errno.EACCES);
}

function count(code: Code, counters: number, counter: number): void {
  code.value(1, counters, counter).set(2, 1).addAt(1, 0, 2);
}

/** Forgets the vouch of what is opened for writing, before anything can be written. It refuses nothing. */
export function openingProgram({ types, vouches }: Pick<ProgramParts, 'types' | 'vouches'>): Uint8Array {
  const { fileMode, fileInode } = layoutOf(types);
  const code = new Code().load(8, FILE, 1, argumentOf(types, 'file_open', 'file'));
  code.load(4, 1, FILE, fileMode).calculate('and', 1, FMODE_WRITE).jumpIf(1, '=', 0, 'out');
  code.map(1, vouches).load(8, 2, FILE, fileInode).call(HELPER.dropStorage);
  return code.label('out').exit(0).bytes();
}

/** The same for what is truncated without an opening, or whose owner or mode changes. It refuses nothing. */
export function changingProgram({ types, vouches }: Pick<ProgramParts, 'types' | 'vouches'>): Uint8Array {
  const code = new Code().load(8, FILE, 1, argumentOf(types, 'inode_setattr', 'dentry'));
  code.load(8, 2, FILE, layoutOf(types).dentryInode).jumpIf(2, '=', 0, 'out');
  code.map(1, vouches).call(HELPER.dropStorage);
  return code.label('out').exit(0).bytes();
}
