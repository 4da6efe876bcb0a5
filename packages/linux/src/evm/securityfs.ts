import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { SystemError } from '@assay/core/errors';
import { callFailed } from '../libc/index.ts';

/** Where securityfs shows EVM; the second is an old symbolic link to the first. */
const PLACES = ['/sys/kernel/security/integrity/evm/evm', '/sys/kernel/security/evm'] as const;

/** What can be switched on, never off again before a reboot (security/integrity/evm/evm.h). */
export const EVM_FLAGS = {
  /** EVM_INIT_HMAC: HMACs are checked and written. Sets `lock`, too. */
  hmac: 0x1,
  /** EVM_INIT_X509: signatures are checked by the certificates in .evm and _evm. */
  signatures: 0x2,
  /** EVM_ALLOW_METADATA_WRITES: metadata can be changed whatever the labels say, as long as `hmac` is off. */
  'metadata-writes': 0x4,
  /** EVM_SETUP_COMPLETE: nothing can be switched on any more. */
  lock: 0x8000_0000,
} as const;

export type EvmFlag = keyof typeof EVM_FLAGS;

export type EvmState =
  | { readonly state: 'absent'; readonly reason: string }
  | { readonly state: 'unreadable'; readonly reason: string }
  /** `lock` cannot be read back; the kernel leaves the bit out. */
  | { readonly state: 'present'; readonly flags: readonly EvmFlag[]; readonly value: number; readonly fix: boolean };

/** What EVM of this kernel does. Reading it needs root. */
export function evmState(places: readonly string[] = PLACES, commandLine = '/proc/cmdline'): EvmState {
  const place = places.find((each) => existsSync(each));
  if (place === undefined) return { state: 'absent', reason: 'the kernel has no EVM, or securityfs is not mounted' };
  try {
    const value = numberIn(place);
    const fix = readFileSync(commandLine, 'latin1').split(/\s/).includes('evm=fix');
    return { state: 'present', flags: flagsOf(value), value, fix };
  } catch (error) {
    return { state: 'unreadable', reason: error instanceof Error ? error.message : String(error) };
  }
}

function numberIn(place: string): number {
  const text = readFileSync(place, 'latin1').trim();
  if (!/^\d{1,10}$/.test(text)) throw new Error(`${place} holds no number`);
  return Number(text);
}

function flagsOf(value: number): EvmFlag[] {
  const names: EvmFlag[] = ['hmac', 'signatures', 'metadata-writes', 'lock'];
  return names.filter((name) => Math.floor(value / EVM_FLAGS[name]) % 2 === 1);
}

const { ENOENT, EINVAL } = constants.errno;

/**
 * Switches on, until the next reboot.
 * @throws SystemError KERNEL-LACKS without EVM or for a flag that the kernel does not have; KEYRING-REFUSED where EVM does
 *   not find its key; NOT-PERMITTED without CAP_SYS_ADMIN, and once the setup is locked
 */
export function enableEvm(flags: readonly EvmFlag[], places: readonly string[] = PLACES): void {
  const place = places.find((each) => existsSync(each));
  if (place === undefined) throw new SystemError('KERNEL-LACKS', 'the kernel has no EVM, or securityfs is not mounted');
  const value = flags.reduce((sum, flag) => sum + EVM_FLAGS[flag], 0);
  try {
    const fd = openSync(place, 'w');
    try {
      writeSync(fd, `${value}`);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw refused(error, `write of ${value} to ${place}`);
  }
}

function refused(error: unknown, call: string): unknown {
  const number = error instanceof Error && 'errno' in error ? -Number(error.errno) : 0;
  if (number === ENOENT) {
    return new SystemError(
      'KEYRING-REFUSED',
      `${call}: ENOENT: EVM finds no key named evm-key in the keyrings of this process`,
    );
  }
  if (number === EINVAL) return new SystemError('KERNEL-LACKS', `${call}: EINVAL: this kernel does not have the flag`);
  return number > 0 ? callFailed(call, number, 'CAP_SYS_ADMIN, and a setup that is not locked yet') : error;
}
