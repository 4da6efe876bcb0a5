import { recordText, type IntegrityRecord } from '@assay/core/appraisal';
import type { EventFunction, KernelProfile } from '@assay/core/policy';
import { BpfMap } from '@assay/linux/bpf';
import type { AuditEvent } from '../decision/contract.ts';
import { HOOKS, MAPS, NAME_SIZE, COMM_SIZE, REASONS, REPORT, type GateHook, type VouchSetup } from './shared.ts';

/** Something that ran without a verdict, or would have. */
export interface GateReport {
  readonly refused: boolean;
  readonly path: Uint8Array;
  /** As `FileStatus` has it, but on btrfs, which tells programs of another device. */
  readonly inodeKey: number;
  readonly audit: AuditEvent;
}

const FUNCTIONS: Readonly<Record<GateHook, EventFunction>> = {
  bprm_check_security: 'BPRM_CHECK',
  mmap_file: 'MMAP_CHECK',
  file_mprotect: 'MMAP_CHECK',
};
const AT_ONCE = 256;
const MINOR_BITS = 20n;

/** Takes what the programs in the kernel told, oldest first; for one thread. */
export class Reports {
  readonly #queue: BpfMap;
  readonly #kernel: Pick<KernelProfile, 'version'>;

  /** @param kernel whose words the records are in */
  constructor({ reports }: VouchSetup, kernel: Pick<KernelProfile, 'version'>) {
    this.#queue = new BpfMap(MAPS.reports, reports);
    this.#kernel = kernel;
  }

  /** @throws SystemError SYSTEM-CALL */
  take(): GateReport[] {
    const reports: GateReport[] = [];
    while (reports.length < AT_ONCE && this.#queue.take()) reports.push(reportOf(this.#queue.value, this.#kernel));
    return reports;
  }
}

function reportOf(bytes: Buffer, kernel: Pick<KernelProfile, 'version'>): GateReport {
  const hook = HOOKS[bytes.readUInt32LE(REPORT.hook)] ?? 'mmap_file';
  const cause = REASONS[bytes.readUInt32LE(REPORT.reason)] ?? 'unasked';
  const pid = Number(bytes.readBigUInt64LE(REPORT.task) >> 32n);
  const refused = bytes.readUInt32LE(REPORT.refused) !== 0;
  const path = textAt(bytes, REPORT.name, NAME_SIZE);
  const device = BigInt(bytes.readUInt32LE(REPORT.device));
  const op = hook === 'bprm_check_security' ? 'appraise_data' : 'mmap_file';
  const record: IntegrityRecord = { type: 'INTEGRITY_DATA', op, cause, success: false, name: 'path' };
  const subject = {
    pid,
    uid: bytes.readUInt32LE(REPORT.user),
    comm: textAt(bytes, REPORT.comm, COMM_SIZE),
    path,
    dev: deviceText(device),
    inode: bytes.readBigUInt64LE(REPORT.inode),
  };
  const text = recordText(record, subject, kernel);
  const common = { kind: 'integrity', type: record.type, text, pid, path, func: FUNCTIONS[hook], cause } as const;
  return { refused, path, inodeKey: inodeKeyOf(subject.inode, device), audit: { ...common, denied: refused } };
}

function textAt(bytes: Buffer, at: number, size: number): Uint8Array {
  const text = bytes.subarray(at, at + size);
  const end = text.indexOf(0);
  return Uint8Array.from(end < 0 ? text : text.subarray(0, end));
}

/** A device as the kernel has it inside (include/linux/kdev_t.h): `major:minor`. */
function deviceText(device: bigint): string {
  return `${device >> MINOR_BITS}:${minorOf(device)}`;
}

function minorOf(device: bigint): bigint {
  return device & ((1n << MINOR_BITS) - 1n);
}

function inodeKeyOf(inode: bigint, device: bigint): number {
  return Number(((minorOf(device) & 0x1f_ffffn) << 32n) | (inode & 0xffff_ffffn));
}
