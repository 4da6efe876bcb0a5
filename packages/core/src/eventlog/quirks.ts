import { equalBytes, utf8 } from '../bytes/index.ts';
import type { HashName, Hasher } from '../hash/index.ts';
import { extendPcr } from '../measurement/index.ts';
import { isStartupLocality } from './locality.ts';
import { replayEventLog } from './replay.ts';
import type { ParsedEventLog } from './types.ts';

/** Known faults of firmware and boot loaders, each seen on real machines. A fault that is not here is none we excuse. */
export const QUIRKS = {
  'exit-boot-services-not-logged':
    'The firmware extends PCR 5 when the kernel takes over and does not log it; the strings are fixed.',
  'startup-locality-not-logged': 'The TPM was started from another locality and the log does not say so.',
  'authority-extra-byte':
    'Old shim logs an authority with its padding, and one byte more than it hashes (go-attestation issue 157).',
  'boot-variable-data-only': 'EDK II hashes only the data of a boot variable, not its name.',
  'grub-prefix': 'GRUB logs what it hashes with a word in front and a NUL behind.',
  'grub-prefix-with-nul': 'GRUB of RHEL 8 logs a command with a word in front, and hashes the NUL behind it.',
  'text-half-nul': 'systemd-boot of old logs only half of the NUL that it hashes behind the command line.',
  'text-without-nul': 'The text is hashed without the NUL that ends it in the log.',
} as const;

export type Quirk = keyof typeof QUIRKS;

interface Target {
  readonly bank: HashName;
  readonly pcr: number;
  readonly value: Uint8Array;
}

const INVOCATION = utf8('Exit Boot Services Invocation');
const SUCCESS = utf8('Exit Boot Services Returned with Success');
const FAILURE = utf8('Exit Boot Services Returned with Failure');
const UNLOGGED = [[INVOCATION], [INVOCATION, SUCCESS], [INVOCATION, FAILURE], [SUCCESS], [FAILURE]];

/** The known fault with which the log leads to a PCR value that it does not lead to as it is written. */
export function replayQuirk(hasher: Hasher, log: ParsedEventLog, target: Target): Quirk | undefined {
  if (target.pcr === 5 && matchesWithExit(hasher, log, target)) return 'exit-boot-services-not-logged';
  if (target.pcr === 0 && matchesFromLocality(hasher, log, target)) return 'startup-locality-not-logged';
  return undefined;
}

function matchesWithExit(hasher: Hasher, log: ParsedEventLog, { bank, pcr, value }: Target): boolean {
  const replayed = replayEventLog(hasher, log, bank).get(pcr);
  if (replayed === undefined) return false;
  return UNLOGGED.some((texts) => {
    const extend = (from: Uint8Array, text: Uint8Array) => extendPcr(hasher, bank, from, hasher.digest(bank, text));
    return equalBytes(texts.reduce(extend, replayed), value);
  });
}

function matchesFromLocality(hasher: Hasher, log: ParsedEventLog, { bank, pcr, value }: Target): boolean {
  if (log.events.some(isStartupLocality)) return false;
  return ([3, 4] as const).some((startupLocality) => {
    const replayed = replayEventLog(hasher, { ...log, startupLocality }, bank).get(pcr);
    return replayed !== undefined && equalBytes(replayed, value);
  });
}
