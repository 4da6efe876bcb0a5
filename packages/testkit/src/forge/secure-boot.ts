import { concat, fromHex, utf8 } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import { parseEventLog, replayEventLog } from '@assay/core/eventlog';
import { agileLog, little, separator, type ForgedEvent } from './eventlog.ts';

export const GLOBAL = fromHex('61dfe48bca93d211aa0d00e098032b8c');
const SECURITY = fromHex('cbb219d73a3d9645a3bcdad00e67656f');
export const SHIM = fromHex('50ab5d6046e00043abb63dd810dd8b23');
/** EV_EFI_VARIABLE_DRIVER_CONFIG. */
export const VARIABLE_DRIVER_CONFIG = 0x80000001;
/** EV_EFI_VARIABLE_AUTHORITY. */
export const VARIABLE_AUTHORITY = 0x800000e0;

/** UEFI_VARIABLE_DATA. */
export function variable(vendor: Uint8Array, name: string, data: Uint8Array): Uint8Array {
  const head = little().bytes(vendor).u64(BigInt(name.length)).u64(BigInt(data.length));
  return head.bytes(Buffer.from(name, 'utf16le')).bytes(data).finish();
}

const OWNER = new Uint8Array(16).fill(7);
const X509 = fromHex('a159c0a5e494a74a87b5ab155c2bf072');
export const SHA256 = fromHex('2616c4c14c509240aca941f936934328');

/** EFI_SIGNATURE_LIST of one entry. */
export function signatureList(type: Uint8Array, data: Uint8Array): Uint8Array {
  const size = 16 + data.length;
  return little()
    .bytes(type)
    .u32(28 + size)
    .u32(0)
    .u32(size)
    .bytes(OWNER)
    .bytes(data)
    .finish();
}

export const CERTIFICATE = utf8('a certificate');
const REVOKED = utf8('a revoked certificate');

export function config(name: string, data: Uint8Array): ForgedEvent {
  const vendor = name.startsWith('db') ? SECURITY : GLOBAL;
  return { pcr: 7, type: VARIABLE_DRIVER_CONFIG, data: variable(vendor, name, data) };
}

export function authority(data: Uint8Array, vendor = SECURITY, name = 'db'): ForgedEvent {
  return { pcr: 7, type: VARIABLE_AUTHORITY, data: variable(vendor, name, data) };
}

/** Records of PCR 7 of a boot with Secure Boot on. */
export const GOOD = {
  secureBoot: config('SecureBoot', Uint8Array.of(1)),
  pk: config('PK', signatureList(X509, CERTIFICATE)),
  kek: config('KEK', signatureList(X509, CERTIFICATE)),
  db: config('db', signatureList(X509, CERTIFICATE)),
  dbx: config('dbx', concat([signatureList(SHA256, new Uint8Array(32)), signatureList(X509, REVOKED)])),
  separator: separator(7),
  authority: authority(concat([OWNER, CERTIFICATE])),
};

/** The good records with some of them changed, or left out. */
export function withChanges(changes: Partial<Record<keyof typeof GOOD, ForgedEvent | undefined>>): ForgedEvent[] {
  return Object.values({ ...GOOD, ...changes }).filter((event) => event !== undefined);
}

/** A log that leads to its PCR values, and claims a Secure Boot that it does not prove. */
export interface SecureBootCase {
  /** Which of the cases of docs/adversary.md it is. */
  readonly number: 46 | 53;
  readonly name: string;
  /** Words of the reason that Assay gives. */
  readonly reason: RegExp;
  readonly events: readonly ForgedEvent[];
  readonly log: Uint8Array;
  /** Values of the SHA-256 bank that the log leads to. */
  readonly pcrs: ReadonlyMap<number, Uint8Array>;
}

/** Logs from which a verifier must not conclude that Secure Boot is on: it is `unknown`. */
export function secureBootAttacks(): SecureBootCase[] {
  const changed = [...relabelled(), ...separators(), ...order()].map((one) => ({ number: 46 as const, ...one }));
  return [...changed, ...[...values(), ...authorities()].map((one) => ({ number: 53 as const, ...one }))];
}

type Attack = Omit<SecureBootCase, 'number'>;

function attack(name: string, reason: RegExp, events: readonly ForgedEvent[]): Attack {
  const log = agileLog(events);
  return { name, reason, events, log, pcrs: replayEventLog(nodeHasher, parseEventLog(log), 'sha256') };
}

function relabelled(): Attack[] {
  const likeSeparator = { ...config('extra', Uint8Array.of()), hashed: new Uint8Array(4) };
  const off = config('SecureBoot', Uint8Array.of(0));
  const debug = { pcr: 7, type: 0x80000007, data: utf8('UEFI Debug Mode') };
  return [
    attack('a record relabelled as unused', /does not belong in PCR 7/, withChanges({ dbx: { ...GOOD.dbx, type: 2 } })),
    attack('a separator relabelled as a variable', /hashes like a separator/, [...withChanges({}), likeSeparator]),
    attack(
      'data that are not what was hashed',
      /not what was hashed/,
      withChanges({ secureBoot: { ...GOOD.secureBoot, hashed: off.data } }),
    ),
    attack('a firmware debugger', /debugger/, [debug, ...withChanges({})]),
  ];
}

function separators(): Attack[] {
  return [
    attack('a second separator', /second separator/, [...withChanges({}), GOOD.separator]),
    attack('a separator of error', /another value than 0/, withChanges({ separator: separator(7, 1) })),
    attack(
      'a separator of another value',
      /another value than 0/,
      withChanges({ separator: separator(7, 0xffffffff) }),
    ),
    attack('no separator', /no separator/, withChanges({ separator: undefined })),
  ];
}

function order(): Attack[] {
  const again = config('SecureBoot', Uint8Array.of(1));
  return [
    attack('a variable after the separator', /after the separator.*second time/s, [...withChanges({}), again]),
    attack('a variable twice', /second time/, [GOOD.secureBoot, ...withChanges({})]),
    attack('variables out of order', /out of order/, [GOOD.pk, ...withChanges({ pk: undefined })]),
  ];
}

function values(): Attack[] {
  const lengths = { 'an empty variable': [], 'two bytes': [1, 0], 'a value of 2': [2] };
  return Object.entries(lengths).map(([name, value]) =>
    attack(name, /SecureBoot is/, withChanges({ secureBoot: config('SecureBoot', Uint8Array.from(value)) })),
  );
}

function authorities(): Attack[] {
  const both = concat([signatureList(X509, CERTIFICATE), signatureList(X509, REVOKED)]);
  const revoked = { db: config('db', both), authority: authority(concat([OWNER, REVOKED])) };
  const unknown = authority(concat([OWNER, utf8('other')]));
  const elsewhere = authority(concat([OWNER, CERTIFICATE]), GLOBAL, 'db');
  const many = Array.from({ length: 257 }, () => GOOD.authority);
  return [
    attack('on without an authority', /no authority is recorded/, withChanges({ authority: undefined })),
    attack('an authority that db does not have', /not in db/, withChanges({ authority: unknown })),
    attack('an authority of no database', /no database/, withChanges({ authority: elsewhere })),
    attack('an authority in dbx', /is in dbx/, withChanges(revoked)),
    attack('more authorities than any machine has', /more than 256 authorities/, [...withChanges({}), ...many]),
    attack(
      'shim, for which db does not vouch',
      /does not vouch for shim/,
      withChanges({ authority: authority(CERTIFICATE, SHIM, 'Shim') }),
    ),
  ];
}
