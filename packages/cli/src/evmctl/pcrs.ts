import { readFileSync, statSync } from 'node:fs';
import { SystemError } from '@assay/core/errors';
import { hashAlgorithm } from '@assay/core/hash';
import { openTpmAddress, Tpm, type TpmAddress } from '@assay/linux/tpm';
import type { Run } from './run.ts';

export type Bank = 'sha1' | 'sha256';
/** The banks that evmctl knows. */
export const BANKS: readonly Bank[] = ['sha1', 'sha256'];
/** Values in order of the PCRs, those that could not be read as zeros. */
export type Pcrs = ReadonlyMap<Bank, readonly Uint8Array[]>;

export const PCR_COUNT = 24;
const SYSFS_TPM12 = ['/sys/class/tpm/tpm0/device/pcrs', '/sys/class/misc/tpm0/device/pcrs'];
const LARGEST_FILE = 64 * 1024;

/** PCR values from --pcrs, from sysfs, or from the TPM; undefined where there are none. */
export async function readPcrs(run: Run): Promise<Pcrs | undefined> {
  const { pcrFiles, hardwareTpm } = run.settings;
  if (pcrFiles.length > 0) return fromFiles(run, pcrFiles);
  for (const path of SYSFS_TPM12) {
    const text = run.attempt(() => readFileSync(path, 'latin1'));
    if (text !== undefined) return new Map([['sha1', valuesIn(text, 'sha1')]]);
  }
  run.errno = 0;
  return (hardwareTpm ? fromSysfs(run) : undefined) ?? fromTpm(run);
}

function fromFiles(run: Run, files: readonly string[]): Pcrs | undefined {
  const pcrs = new Map<Bank, readonly Uint8Array[]>();
  for (const file of files) {
    const comma = file.indexOf(',');
    const [name, path] = comma < 0 ? ['sha1', file] : [file.slice(0, comma), file.slice(comma + 1)];
    const bank = BANKS.find((known) => known === name);
    if (bank === undefined) {
      run.say(`Unknown algorithm '${name}'`);
      return undefined;
    }
    const text = fileOfPcrs(run, path);
    if (text === undefined || text === '') return undefined;
    pcrs.set(bank, valuesIn(text, bank));
  }
  return pcrs;
}

function fileOfPcrs(run: Run, path: string): string | undefined {
  const stats = run.attempt(() => statSync(path));
  if (stats === undefined) run.say(`Could not stat '${path}'`);
  else if (!stats.isFile()) run.say('PCR file: not a regular file or link to regular file');
  if (stats?.isFile() !== true || stats.size > LARGEST_FILE) return undefined;
  const text = run.attempt(() => readFileSync(path, 'latin1'));
  if (text === undefined) run.say(`Could not open '${path}'`);
  return text;
}

/** Lines such as `PCR-00: 3D 45 …`, in order of their numbers; others between them are passed over. */
function valuesIn(text: string, bank: Bank): Uint8Array[] {
  const { size } = hashAlgorithm(bank);
  const values: Uint8Array[] = [];
  for (const line of text.split('\n')) {
    const number = String(values.length).padStart(2, '0');
    if (!line.startsWith(`PCR-${number}`)) continue;
    const digits = line.slice('PCR-00:'.length).replaceAll(' ', '');
    values.push(sized(Buffer.from(digits, 'hex'), size));
    if (values.length === PCR_COUNT) break;
  }
  while (values.length < PCR_COUNT) values.push(new Uint8Array(size));
  return values;
}

function sized(bytes: Uint8Array, size: number): Uint8Array {
  const value = new Uint8Array(size);
  value.set(bytes.subarray(0, size));
  return value;
}

function fromSysfs(run: Run): Pcrs | undefined {
  run.detail('Trying to read TPM 2.0 PCRs via sysfs');
  const pcrs = new Map<Bank, readonly Uint8Array[]>();
  for (const bank of BANKS) {
    const values = run.attempt(() =>
      Array.from({ length: PCR_COUNT }, (_, index) => {
        const hex = readFileSync(`/sys/class/tpm/tpm0/pcr-${bank}/${index}`, 'latin1').trim();
        return sized(Buffer.from(hex, 'hex'), hashAlgorithm(bank).size);
      }),
    );
    if (values !== undefined) pcrs.set(bank, values);
  }
  run.errno = 0;
  return pcrs.size === 0 ? undefined : pcrs;
}

/** Where TPM libraries look: the kernel's devices, then a software TPM on this machine. */
const ADDRESSES: readonly TpmAddress[] = [
  { kind: 'device', path: '/dev/tpmrm0' },
  { kind: 'device', path: '/dev/tpm0' },
  { kind: 'swtpm', socket: { host: '127.0.0.1', port: 2321 } },
];

async function fromTpm(run: Run): Promise<Pcrs | undefined> {
  for (const address of ADDRESSES) {
    try {
      return await valuesAt(address);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      run.detail(`Failed to read TPM 2.0 PCRs: ${error.message}`);
    }
  }
  return undefined;
}

async function valuesAt(address: TpmAddress): Promise<Pcrs> {
  const tpm = new Tpm(await openTpmAddress(address));
  try {
    return await valuesOf(tpm);
  } finally {
    await tpm.close();
  }
}

async function valuesOf(tpm: Tpm): Promise<Pcrs> {
  const pcrs = new Map<Bank, readonly Uint8Array[]>();
  const numbers = Array.from({ length: PCR_COUNT }, (_, index) => index);
  for (const bank of BANKS) {
    try {
      const values = await tpm.readPcrs(bank, numbers);
      pcrs.set(
        bank,
        numbers.map((number) => values.get(number) ?? new Uint8Array(hashAlgorithm(bank).size)),
      );
    } catch (error) {
      if (!(error instanceof SystemError && error.code === 'TPM-BANK')) throw error;
    }
  }
  return pcrs;
}
