import { concat, utf8 } from '@assay/core/bytes';
import { parseEventLog, replayEventLog } from '@assay/core/eventlog';
import { hashAlgorithm, type HashName } from '@assay/core/hash';
import { nodeHasher } from '@assay/core/node';
import type { ExpectedValue } from './bundle.ts';
import type { ForgedCase } from './case.ts';
import { agileLog, little, separator, sha1Record, specIdData, startupLocality, type ForgedEvent } from './eventlog.ts';
import {
  config,
  GLOBAL,
  GOOD,
  secureBootAttacks,
  SHA256,
  signatureList,
  variable,
  withChanges,
} from './secure-boot.ts';

/** A boot event log, and the PCR values that a verified quote of the same boot covers. */
export interface EventLogBundle {
  readonly log: Uint8Array;
  readonly pcrs: readonly ExpectedValue[];
}

/**
 * Besides codes, an answer is `secure-boot-unknown` (the log leads to its PCR values and does not prove Secure Boot),
 * `command-line-unknown` (it does not prove the kernel's command line) or `not-proved` (it does not prove what its last
 * record says).
 */
export type EventLogCase = ForgedCase<EventLogBundle>;

const FIRMWARE_PCRS = [0, 1, 2, 3, 4, 5, 6, 7];
const SHA1_ID = [4, 20] as const;
const SHA256_ID = [11, 32] as const;
const CRTM: ForgedEvent = { pcr: 0, type: 8, data: utf8('crtm') };
const EV_IPL = 0xd;

/** A whole boot: version, what PCR 7 has, and a separator in every other PCR of the firmware. */
const BOOT: readonly ForgedEvent[] = [
  CRTM,
  ...withChanges({}),
  ...FIRMWARE_PCRS.filter((pcr) => pcr !== 7).map((pcr) => separator(pcr)),
];

/** Logs that must be refused, or of which something must not be concluded. */
export function eventLogAttacks(): EventLogCase[] {
  return [
    ...banks(),
    ...claims(),
    ...localities(),
    ...specIds(),
    ...records(),
    ...orders(),
    ...structures(),
    ...commandLines(),
  ];
}

/** Logs that look odd and are right. */
export function eventLogsToAccept(): EventLogCase[] {
  const noAction: ForgedEvent = { pcr: 0, type: 3, data: utf8('SP800-155 Event3'), fill: 0x55 };
  const accept = (number: number, name: string, events: readonly ForgedEvent[], from = events): EventLogCase => ({
    ...leading(number, name, 'accept', events),
    bundle: { log: agileLog(events), pcrs: leadsTo(from) },
  });
  return [
    accept(0, 'a whole boot', BOOT),
    accept(54, 'a command line that GRUB hashed with its NUL', [...BOOT, commandLine('ro', 'ro\0')]),
    accept(48, 'an EV_NO_ACTION with a digest, which is not extended', [noAction, ...BOOT], BOOT),
    ...[0, 3, 4].map((locality) =>
      accept(48, `a start from locality ${locality}`, [startupLocality(locality), ...BOOT]),
    ),
    accept(48, 'a start from locality 3 that is not logged', BOOT, [startupLocality(3), ...BOOT]),
    accept(
      51,
      'records in another order between PCRs',
      BOOT.toSorted((a, b) => b.pcr - a.pcr),
      BOOT,
    ),
  ];
}

function leadsTo(events: readonly ForgedEvent[]): ExpectedValue[] {
  const replayed = replayEventLog(nodeHasher, parseEventLog(agileLog(events)), 'sha256');
  return [...replayed].map(([pcr, value]) => ({ bank: 'sha256', pcr, value }));
}

/** A log that leads to its values. */
function leading(number: number, name: string, answer: string, events: readonly ForgedEvent[]): EventLogCase {
  return { number, name, answer, bundle: { log: agileLog(events), pcrs: leadsTo(events) } };
}

/** A log beside the values of the whole boot. */
function beside(number: number, name: string, answer: string, log: Uint8Array): EventLogCase {
  return { number, name, answer, bundle: { log, pcrs: leadsTo(BOOT) } };
}

/** What GRUB writes of the kernel's command line into PCR 8. */
function commandLine(text: string, hashed = text): ForgedEvent {
  return { pcr: 8, type: EV_IPL, data: utf8(`kernel_cmdline: ${text}\0`), hashed: utf8(hashed) };
}

function banks(): EventLogCase[] {
  const blank = (bank: HashName): ExpectedValue[] =>
    FIRMWARE_PCRS.map((pcr) => ({ bank, pcr, value: new Uint8Array(hashAlgorithm(bank).size) }));
  const bundles: Readonly<Record<string, readonly ExpectedValue[]>> = {
    'a bank that is active and that nothing extended': blank('sha256'),
    'a second bank that nothing extended': [...leadsTo(BOOT), ...blank('sha384')],
    'one PCR of the firmware that nothing extended': leadsTo(BOOT).map((one) =>
      one.pcr === 7 ? { ...one, value: new Uint8Array(32) } : one,
    ),
  };
  return Object.entries(bundles).map(([name, pcrs]) => ({
    number: 39,
    name: `${name}, beside a log`,
    answer: 'BOOT-EVENTLOG',
    bundle: { log: agileLog(BOOT), pcrs },
  }));
}

/** Cases 46 and 53, and what a digest does not cover. */
function claims(): EventLogCase[] {
  const image = little().u64(1n).u64(2n).u64(3n).u64(0n).finish();
  const path = utf8('/boot/vmlinuz\0');
  const opaque: Readonly<Record<string, ForgedEvent>> = {
    'the address and path of an image': { pcr: 4, type: 0x80000003, data: image, hashed: utf8('an image') },
    'the name of a file that GRUB read': { pcr: 9, type: EV_IPL, data: path, hashed: utf8('a kernel') },
    'a firmware blob by its address': { pcr: 0, type: 0x80000008, data: new Uint8Array(16), hashed: utf8('a blob') },
    'a variable that was not hashed': { ...config('MokListTrusted', Uint8Array.of(1)), pcr: 1, hashed: utf8('other') },
    'a record that is not extended': { pcr: 0, type: 3, data: utf8('anything') },
  };
  return [
    ...secureBootAttacks().map(({ number, name, log, pcrs }) => ({
      number,
      name,
      answer: 'secure-boot-unknown',
      bundle: { log, pcrs: [...pcrs].map(([pcr, value]) => ({ bank: 'sha256' as const, pcr, value })) },
    })),
    ...Object.entries(opaque).map(([name, event]) => leading(47, name, 'not-proved', [...BOOT, event])),
  ];
}

function localities(): EventLogCase[] {
  const refused = (name: string, events: readonly ForgedEvent[]): EventLogCase =>
    beside(48, name, 'EVENTLOG-EVENT', agileLog(events));
  return [
    refused('StartupLocality twice', [startupLocality(3), startupLocality(3), ...BOOT]),
    refused('StartupLocality after PCR 0 was extended', [...BOOT, startupLocality(3)]),
    refused('StartupLocality in another PCR', [{ ...startupLocality(3), pcr: 1 }, ...BOOT]),
    ...[1, 2, 5, 200].map((locality) =>
      refused(`a start from locality ${locality}`, [startupLocality(locality), ...BOOT]),
    ),
    beside(
      48,
      'a locality from which the TPM was not started',
      'BOOT-EVENTLOG',
      agileLog([startupLocality(3), ...BOOT]),
    ),
    beside(
      48,
      'records relabelled as EV_NO_ACTION, which is not extended',
      'BOOT-EVENTLOG',
      agileLog(BOOT.map((event) => (event === GOOD.dbx ? { ...event, type: 3 } : event))),
    ),
  ];
}

function specIds(): EventLogCase[] {
  const refused = (name: string, answer: string, data: Uint8Array): EventLogCase =>
    beside(49, name, answer, sha1Record(0, 3, data));
  const good = specIdData([SHA1_ID, SHA256_ID]);
  return [
    refused('SHA-256 with digests of 20 bytes', 'EVENTLOG-SPEC-ID', specIdData([SHA1_ID, [11, 20]])),
    refused('an unknown algorithm with empty digests', 'EVENTLOG-SPEC-ID', specIdData([[0x4444, 0]])),
    refused('an algorithm twice', 'EVENTLOG-SPEC-ID', specIdData([SHA256_ID, SHA256_ID])),
    refused('no algorithm', 'EVENTLOG-SPEC-ID', specIdData([])),
    refused('0xffffffff algorithms', 'BYTES-LIMIT', patched(good, 24, [0xff, 0xff, 0xff, 0xff])),
    refused('vendor information past its end', 'BYTES-TRUNCATED', good.with(good.length - 1, 9)),
    refused('bytes behind its end', 'BYTES-TRAILING', concat([good, Uint8Array.of(0)])),
  ];
}

function records(): EventLogCase[] {
  const head = sha1Record(0, 3, specIdData([SHA1_ID, SHA256_ID]));
  const digests = (count: number, ...ids: number[]): Uint8Array => {
    const writer = little().u32(0).u32(8).u32(count);
    for (const id of ids) writer.u16(id).bytes(new Uint8Array(id === 11 ? 32 : 20));
    return concat([head, writer.u32(1).bytes(utf8('x')).finish()]);
  };
  const whole = agileLog([CRTM]);
  const sizeAt = whole.length - CRTM.data.length - 4;
  const tiny = sha1Record(0, 8, utf8('x'));
  const many = new Uint8Array(100_001 * tiny.length);
  for (let at = 0; at < many.length; at += tiny.length) many.set(tiny, at);
  return [
    beside(50, 'a record without a digest', 'EVENTLOG-EVENT', digests(0)),
    beside(50, 'a record with 0xffffffff digests', 'BYTES-LIMIT', digests(0xffffffff, 4)),
    beside(50, 'a record with two digests of one bank', 'EVENTLOG-EVENT', digests(2, 4, 4)),
    beside(50, 'a record with a digest of a bank that is not declared', 'EVENTLOG-EVENT', digests(1, 0xc)),
    ...[24, 32, 0xffffffff].map((pcr) =>
      beside(50, `a record of PCR ${pcr}`, 'EVENTLOG-EVENT', agileLog([{ ...CRTM, pcr }])),
    ),
    ...[
      [5, 0, 0, 0],
      [0xff, 0xff, 0xff, 0xb2],
    ].map((size) =>
      beside(50, `a size past the end (${size.join(' ')})`, 'BYTES-TRUNCATED', patched(whole, sizeAt, size)),
    ),
    beside(50, 'more records than any boot has', 'BYTES-LIMIT', many),
    beside(50, 'more bytes than any firmware reserves', 'BYTES-LIMIT', new Uint8Array(16 * 1024 * 1024 + 1)),
  ];
}

function orders(): EventLogCase[] {
  const [first, second] = BOOT.filter(({ pcr }) => pcr === 7);
  const exchanged = BOOT.map((event) => (event === first ? second : event === second ? first : event));
  const logs: Readonly<Record<string, readonly (ForgedEvent | undefined)[]>> = {
    'a log that ends one record early': BOOT.slice(0, -1),
    'a log that ends many records early': BOOT.slice(0, 2),
    'a log without one record': BOOT.filter((event) => event !== GOOD.dbx),
    'a log with one record twice': [...BOOT, CRTM],
    'two records of one PCR exchanged': exchanged,
  };
  return Object.entries(logs).map(([name, events]) =>
    beside(51, name, 'BOOT-EVENTLOG', agileLog(events.filter((event) => event !== undefined))),
  );
}

/** UEFI variables and signature lists in PCR 7 whose sizes lie. */
function structures(): EventLogCase[] {
  const boot = variable(GLOBAL, 'BootOrder', Uint8Array.of(1, 0));
  const list = signatureList(SHA256, new Uint8Array(32));
  const variables: Readonly<Record<string, Uint8Array>> = {
    'a name of 2^63 characters': patched(boot, 16, [0, 0, 0, 0, 0, 0, 0, 0x80]),
    'a name longer than the record': patched(boot, 16, [0xff, 3]),
    'a value past the end of the record': patched(boot, 24, [3]),
    'a value short of the end of the record': patched(boot, 24, [1]),
    'a value of 2^64 - 1 bytes': patched(boot, 24, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
  };
  const lists: Readonly<Record<string, Uint8Array>> = {
    'a list of 27 bytes': patched(list, 16, [27, 0, 0, 0]),
    'a list of 2^32 - 1 bytes': patched(list, 16, [0xff, 0xff, 0xff, 0xff]),
    'signatures of no size': patched(list, 24, [0]),
    'signatures of 16 bytes': patched(list, 24, [16]),
    'signatures of a size that does not divide the list': patched(list, 24, [47]),
    'a header past the end': patched(list, 20, [1]),
  };
  return [
    ...Object.entries(variables).map(([name, data]) =>
      leading(52, `a variable with ${name}`, 'secure-boot-unknown', [
        ...withChanges({ separator: undefined, authority: undefined }),
        { pcr: 7, type: 0x80000001, data },
        GOOD.separator,
        GOOD.authority,
      ]),
    ),
    ...Object.entries(lists).map(([name, data]) =>
      leading(52, `dbx with ${name}`, 'secure-boot-unknown', withChanges({ dbx: config('dbx', data) })),
    ),
  ];
}

function commandLines(): EventLogCase[] {
  const [plain, measured] = ['/vmlinuz ro', '/vmlinuz ro ima_policy=tcb'];
  return [
    leading(54, 'two kernel command lines', 'command-line-unknown', [
      ...BOOT,
      commandLine(plain),
      commandLine(measured),
    ]),
    leading(54, 'a kernel command line that was not hashed', 'command-line-unknown', [
      ...BOOT,
      commandLine(measured, plain),
    ]),
    leading(54, 'no kernel command line', 'command-line-unknown', BOOT),
    {
      number: 54,
      name: 'a kernel command line of another boot, which had ima_policy',
      answer: 'BOOT-EVENTLOG',
      bundle: { log: agileLog([...BOOT, commandLine(measured)]), pcrs: leadsTo([...BOOT, commandLine(plain)]) },
    },
  ];
}

function patched(bytes: Uint8Array, at: number, values: readonly number[]): Uint8Array {
  const changed = Uint8Array.from(bytes);
  changed.set(values, at);
  return changed;
}
