import { concat, fromHex, toBase64, toHex, utf8 } from '@assay/core/bytes';
import { bindingDigest, type HostFacts, type KeptState } from '@assay/core/evidence';
import type { HashName } from '@assay/core/hash';
import { bootAggregate, extendPcr, emptyPcr } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import {
  encodeAttest,
  encodePublic,
  parsePublic,
  pcrComposite,
  publicName,
  type ParsedAttest,
  type PcrSelection,
} from '@assay/core/tpm';
import { SimulatedList, type Appended } from '../evidence/list.ts';
import { eccKey, honestAttest, signBy, valueOf, type SoftwareKey } from './bundle.ts';
import type { ForgedCase } from './case.ts';

/** One round of attestation: what a host answers, what it was asked, and what is known of it from rounds before. */
export interface RoundBundle {
  /** TPM2B_PUBLIC of the attestation key that this host enrolled with. */
  readonly akPublic: Uint8Array;
  readonly nonce: Uint8Array;
  readonly session: string;
  readonly facts: HostFacts;
  /** What was asked for. */
  readonly selection: readonly PcrSelection[];
  /** TPMS_ATTEST. */
  readonly message: Uint8Array;
  /** TPMT_SIGNATURE. */
  readonly signature: Uint8Array;
  /** Values of the SHA-256 bank that the host sends. */
  readonly pcrs: ReadonlyMap<number, Uint8Array>;
  readonly list: {
    readonly bank: HashName;
    readonly fromEntry: number;
    readonly fromOffset: number;
    readonly bytes: Uint8Array;
  };
  /** State after the last verified round. */
  readonly kept: KeptState | null;
}

export type RoundCase = ForgedCase<RoundBundle>;

const BOOT_PCRS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const ASKED: PcrSelection = { bank: 'sha256', pcrs: [...BOOT_PCRS, 10] };
const KEY = eccKey();
const AK_NAME = nameOf(KEY);
const FACTS: HostFacts = { tpmKind: 'hardware', listSource: 'ima', kernel: '6.12.0', agentVersion: '0.1.0' };
const ASKED_NOW = { nonce: new Uint8Array(32).fill(0xa5), session: 'round 2' };
const ASKED_BEFORE = { nonce: new Uint8Array(32).fill(0x5a), session: 'round 1' };

type Times = Partial<Pick<ParsedAttest, 'clock' | 'resetCount' | 'restartCount' | 'safe' | 'firmwareVersion'>>;

/** A machine that runs IMA, with a key in software for its TPM: it signs what no TPM would. */
interface Machine {
  readonly list: SimulatedList;
  readonly pcrs: ReadonlyMap<number, Uint8Array>;
}

interface Choices {
  readonly asked?: typeof ASKED_NOW;
  readonly change?: Partial<Omit<ParsedAttest, 'raw'>>;
  readonly kept?: KeptState | null;
  /** The first entry that is sent. */
  readonly from?: number;
  /** PCRs that the signed message covers. */
  readonly covers?: readonly PcrSelection[];
}

/** Rounds that must be refused. */
export function roundAttacks(): RoundCase[] {
  return [...replays(), ...questions(), ...selections(), ...sentValues(), ...times(), ...lists(), ...aggregates()];
}

/** Rounds that look odd and are right. */
export function roundsToAccept(): RoundCase[] {
  const [host, later] = [machine(['/usr/bin/a']), machine(['/usr/bin/a', '/usr/bin/b'])];
  const kept = stateOf(host);
  const accept = (number: number, name: string, bundle: RoundBundle): RoundCase => ({
    number,
    name,
    answer: 'accept',
    bundle,
  });
  return [
    accept(0, 'the first round of a host', round(host)),
    accept(0, 'a list that goes on from what was verified', round(later, { kept, from: 3 })),
    accept(42, 'a restart, after which the list is sent whole', round(host, { kept, change: { restartCount: 2 } })),
    accept(
      43,
      'a clock that may have gone back, after a power loss',
      round(host, { kept, change: { resetCount: 8, restartCount: 0, clock: 5n, safe: false } }),
    ),
    accept(44, 'other firmware than before', round(host, { kept, change: { resetCount: 8, firmwareVersion: 1n } })),
  ];
}

type Append = (list: SimulatedList) => Appended;

const BOOT: ReadonlyMap<number, Uint8Array> = new Map(BOOT_PCRS.map((pcr) => [pcr, valueOf('sha256', pcr)]));
const begins: Append = (list) => list.begin(bootAggregate(nodeHasher, 'sha256', BOOT));
const runs = (path: string): Append => {
  return (list) => list.measure(path, nodeHasher.digest('sha256', utf8(path)));
};

/** @param extended digests that something else than the list brought into PCR 10 */
function machine(
  programs: readonly string[],
  extended: readonly Uint8Array[] = [],
  appends: readonly Append[] = [begins, ...programs.map(runs)],
): Machine {
  const list = new SimulatedList();
  const values = [...appends.map((append) => append(list).extendValue('sha256')), ...extended];
  const pcr10 = values.reduce<Uint8Array>(
    (value, digest) => extendPcr(nodeHasher, 'sha256', value, digest),
    emptyPcr('sha256'),
  );
  return { list, pcrs: new Map(BOOT).set(10, pcr10) };
}

function round({ list, pcrs }: Machine, choices: Choices = {}): RoundBundle {
  const { asked = ASKED_NOW, change = {}, kept = null, from = 1, covers = [ASKED] } = choices;
  const values = new Map(Array.from({ length: 24 }, (_, pcr) => [pcr, pcrs.get(pcr) ?? new Uint8Array(32)]));
  const short = new Map([...values].map(([pcr, value]) => [pcr, value.subarray(0, 20)]));
  const banks = new Map([
    ['sha256', values],
    ['sha1', short],
  ] as const);
  const message = encodeAttest({
    ...honestAttest(),
    extraData: bindingDigest(nodeHasher, { ...asked, akName: AK_NAME, facts: FACTS }),
    attested: { kind: 'quote', selection: covers, pcrDigest: pcrComposite(nodeHasher, 'sha256', covers, banks) },
    ...change,
  });
  return {
    akPublic: encodePublic(KEY.area),
    ...ASKED_NOW,
    facts: FACTS,
    selection: [ASKED],
    message,
    signature: signBy(KEY, message),
    pcrs,
    list: { bank: 'sha256', fromEntry: from, fromOffset: list.offsetOf(from), bytes: list.bytes(from) },
    kept,
  };
}

/** What is kept after a round of this machine. */
function stateOf({ list, pcrs }: Machine): KeptState {
  const { clock, resetCount, restartCount, firmwareVersion } = honestAttest();
  const bytes = list.bytes().length;
  const pcr = Uint8Array.from(pcrs.get(10) ?? []);
  return { clock, resetCount, restartCount, firmwareVersion, entries: list.entries, bytes, pcr };
}

function attack(number: number, name: string, answer: string, bundle: RoundBundle): RoundCase {
  return { number, name, answer, bundle };
}

function replays(): RoundCase[] {
  const host = machine(['/usr/bin/a']);
  const before = { ...round(host, { asked: ASKED_BEFORE }), kept: stateOf(host) };
  return [attack(9, 'the answer of the round before', 'QUOTE-NONCE', before)];
}

function questions(): RoundCase[] {
  const host = machine(['/usr/bin/a']);
  const asking = (extraData: Uint8Array): RoundBundle => round(host, { change: { extraData } });
  const bound = bindingDigest(nodeHasher, { ...ASKED_NOW, akName: AK_NAME, facts: FACTS });
  const forms: Readonly<Record<string, Uint8Array>> = {
    'and a zero byte behind it': concat([bound, Uint8Array.of(0)]),
    'cut to its first half': bound.subarray(0, 16),
    'left out': new Uint8Array(0),
  };
  const boundTo = (change: Partial<Parameters<typeof bindingDigest>[1]>): RoundBundle =>
    asking(bindingDigest(nodeHasher, { ...ASKED_NOW, akName: AK_NAME, facts: FACTS, ...change }));
  return [
    ...Object.entries(forms).map(([name, extraData]) =>
      attack(10, `the bound question ${name}`, 'QUOTE-NONCE', asking(extraData)),
    ),
    attack(11, 'the session of another host', 'QUOTE-NONCE', boundTo({ session: 'round of another host' })),
    attack(14, 'the question as base64 text', 'QUOTE-NONCE', asking(utf8(toBase64(bound)))),
    attack(14, 'the question as hexadecimal text', 'QUOTE-NONCE', asking(utf8(toHex(bound)))),
    attack(57, 'the bare nonce, which binds neither session, key nor host', 'QUOTE-NONCE', asking(ASKED_NOW.nonce)),
    attack(57, 'what another key was asked', 'QUOTE-NONCE', boundTo({ akName: nameOf(eccKey()) })),
    attack(57, 'facts of another host', 'QUOTE-NONCE', boundTo({ facts: { ...FACTS, kernel: '5.10.0' } })),
    attack(57, 'evidence of another host, whole', 'QUOTE-SIGNATURE', {
      ...round(host),
      akPublic: encodePublic(eccKey().area),
    }),
  ];
}

function selections(): RoundCase[] {
  const host = machine(['/usr/bin/a']);
  const over: Readonly<Record<string, readonly [number: number, covers: readonly PcrSelection[]]>> = {
    'fewer PCRs': [33, [{ bank: 'sha256', pcrs: [10] }]],
    'more PCRs': [33, [{ bank: 'sha256', pcrs: [...ASKED.pcrs, 11] }]],
    nothing: [34, []],
    'an empty mask': [34, [{ bank: 'sha256', pcrs: [] }]],
    'one bank twice': [35, [ASKED, ASKED]],
    'PCR 16 in the place of PCR 10': [40, [{ bank: 'sha256', pcrs: [...BOOT_PCRS, 16] }]],
    'PCR 17 to 23 besides': [40, [{ bank: 'sha256', pcrs: [...ASKED.pcrs, 17, 18, 19, 20, 21, 22, 23] }]],
    'the SHA-1 bank': [56, [{ bank: 'sha1', pcrs: ASKED.pcrs }]],
  };
  return Object.entries(over).map(([name, [number, covers]]) =>
    attack(number, `a round over ${name}`, 'QUOTE-SELECTION', round(host, { covers })),
  );
}

function sentValues(): RoundCase[] {
  const host = machine(['/usr/bin/a']);
  const ten = host.pcrs.get(10) ?? emptyPcr('sha256');
  const without = new Map([...host.pcrs].filter(([pcr]) => pcr !== 7));
  const seven = valueOf('sha256', 7);
  const sent: Readonly<Record<string, ReadonlyMap<number, Uint8Array>>> = {
    'a value too many': new Map(host.pcrs).set(11, new Uint8Array(32)),
    'a value missing': without,
    'a value under another number': new Map(without).set(11, seven),
    'a value of 20 bytes': new Map(host.pcrs).set(10, ten.subarray(0, 20)),
    'two values exchanged': new Map(host.pcrs).set(7, ten).set(10, seven),
  };
  const bySha384 = pcrComposite(nodeHasher, 'sha384', [ASKED], new Map([['sha256', host.pcrs]]));
  return [
    ...Object.entries(sent).map(([name, pcrs]) => attack(37, name, 'QUOTE-PCR-DIGEST', { ...round(host), pcrs })),
    attack(
      38,
      'a digest of the values by another hash than the signature has',
      'QUOTE-PCR-DIGEST',
      round(host, { change: { attested: { kind: 'quote', selection: [ASKED], pcrDigest: bySha384 } } }),
    ),
  ];
}

function times(): RoundCase[] {
  const host = machine(['/usr/bin/a']);
  const kept = stateOf(host);
  const back: Readonly<Record<string, Times>> = {
    'an earlier boot': { resetCount: kept.resetCount - 1, restartCount: 5, clock: 1n << 40n },
    'an earlier restart': { restartCount: kept.restartCount - 1, clock: 1n << 40n },
    'the same boot at an earlier time, as of a restored snapshot': { clock: kept.clock - 1n },
    'the same boot at an earlier time, with a clock that is not safe': { clock: 0n, safe: false },
  };
  return Object.entries(back).map(([name, change]) =>
    attack(41, `a TPM in the state of ${name}`, 'QUOTE-CLOCK-BACK', round(host, { kept, change })),
  );
}

function lists(): RoundCase[] {
  const before = machine(['/usr/bin/a']);
  const kept = stateOf(before);
  const now = machine(['/usr/bin/z', '/usr/bin/y', '/usr/bin/x']);
  const goesOn = { kept, from: kept.entries + 1 };
  const placed = (bundle: RoundBundle): RoundBundle => ({
    ...bundle,
    list: { ...bundle.list, fromOffset: kept.bytes },
  });
  const reset = { resetCount: kept.resetCount + 1, restartCount: 0 };
  const other = machine(['/usr/bin/a'], [fromHex('11'.repeat(32))]);
  return [
    attack(
      42,
      'a list that goes on after a restart',
      'IMA-LOG-GAP',
      placed(round(now, { ...goesOn, change: { restartCount: 2 } })),
    ),
    attack(45, 'a list that goes on after a reset', 'IMA-LOG-GAP', placed(round(now, { ...goesOn, change: reset }))),
    attack(45, 'the list of the boot before, whole, after a reset', 'IMA-REPLAY', {
      ...round(now, { kept, change: reset }),
      list: round(before).list,
    }),
    attack(45, 'fewer entries than before in the same boot', 'IMA-LOG-SHORT', round(machine([]), { kept })),
    attack(45, 'other entries than before in the same boot', 'IMA-REPLAY', round(now, { kept })),
    attack(45, 'a PCR 10 that something else extended', 'IMA-REPLAY', round(other)),
  ];
}

/** Lists that lead to the quoted PCR 10, and say of another boot that it was theirs. */
function aggregates(): RoundCase[] {
  const seven = new Map([...BOOT].filter(([pcr]) => pcr <= 7));
  const overSeven = nodeHasher.digest('sha256', concat([...seven.values()]));
  const says = (value: Uint8Array, algorithm: HashName = 'sha256'): Append => {
    return (list) => list.append('ima-ng', { digest: { algorithm, value }, name: utf8('boot_aggregate') });
  };
  const appends: Readonly<Record<string, readonly Append[]>> = {
    'of PCR 0 to 7 alone': [says(overSeven)],
    'of the SHA-1 bank, which was not quoted': [says(new Uint8Array(20).fill(1), 'sha1')],
    'of zeros, as without a TPM': [says(new Uint8Array(32))],
    'of other PCR values': [says(new Uint8Array(32).fill(7))],
    'that is not the first entry': [runs('/usr/bin/a'), begins],
    'of another boot behind the right one': [begins, runs('/usr/bin/a'), says(new Uint8Array(32).fill(7))],
  };
  return Object.entries(appends).map(([name, list]) =>
    attack(55, `boot_aggregate ${name}`, 'BOOT-AGGREGATE', round(machine([], [], list))),
  );
}

function nameOf({ area }: SoftwareKey): Uint8Array {
  return publicName(nodeHasher, parsePublic(encodePublic(area)));
}
