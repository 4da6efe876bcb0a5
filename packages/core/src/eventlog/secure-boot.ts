import { equalBytes } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import type { HashName, Hasher } from '../hash/index.ts';
import { coverageOf, hashesLikeSeparator } from './coverage.ts';
import { EVENT } from './event-types.ts';
import { EFI_GLOBAL, IMAGE_SECURITY, SHIM_LOCK } from './guid.ts';
import { isExtended } from './replay.ts';
import { parseSignatureLists, type SignatureEntry } from './signature-list.ts';
import type { BootEvent, ParsedEventLog } from './types.ts';
import { parseAuthority, parseVariable, type UefiVariable } from './variable.ts';

/** What PCR 7 says of Secure Boot. It is worth what the PCR is: compare that with a verified quote first. */
export interface SecureBoot {
  /** `on` only when nothing speaks against it. */
  readonly state: 'on' | 'off' | 'unknown';
  /** Why the state is unknown; empty otherwise. */
  readonly reasons: readonly string[];
  /** The measured value of the variable SecureBoot. */
  readonly variable: 'on' | 'off' | 'empty' | 'absent';
  /** What does not change the state and is worth knowing. */
  readonly notes: readonly string[];
  /** Names of the variables that authorised an image, before the separator and after it. */
  readonly authorities: { readonly before: readonly string[]; readonly after: readonly string[] };
  /** How many certificates and digests dbx revokes. */
  readonly revoked: number;
}

const PCR = 7;
const ALLOWED: ReadonlySet<number> = new Set([
  EVENT.variableDriverConfig,
  EVENT.variableAuthority,
  EVENT.separator,
  EVENT.efiAction,
]);
/** PC Client Platform Firmware Profile, section 3.3.4.8: measured in this order. */
const ORDER = ['SecureBoot', 'PK', 'KEK', 'db', 'dbx'];
const VENDORS: Readonly<Record<string, string>> = {
  SecureBoot: EFI_GLOBAL,
  PK: EFI_GLOBAL,
  KEK: EFI_GLOBAL,
  db: IMAGE_SECURITY,
  dbx: IMAGE_SECURITY,
};

interface Findings {
  readonly reasons: string[];
  readonly notes: string[];
  readonly variables: Map<string, Uint8Array>;
  readonly authorities: { before: UefiVariable[]; after: UefiVariable[] };
  separators: number;
}

/** Derives the state from the records of PCR 7 in one bank; any deviation makes it unknown. */
export function secureBootOf(hasher: Hasher, log: Pick<ParsedEventLog, 'events'>, bank: HashName): SecureBoot {
  const found: Findings = {
    reasons: [],
    notes: [],
    variables: new Map(),
    authorities: { before: [], after: [] },
    separators: 0,
  };
  for (const event of log.events) {
    if (event.pcr === PCR && isExtended(event)) readEvent(hasher, event, bank, found);
  }
  if (found.separators === 0) found.reasons.push('PCR 7 has no separator');
  const variable = variableState(found);
  const names = (list: readonly UefiVariable[]) => list.map(({ name }) => name);
  const signatures = signaturesOf(found);
  if (variable === 'on') checkEnabled(found, signatures);
  const state = found.reasons.length > 0 || variable === 'empty' || variable === 'absent' ? 'unknown' : variable;
  const { reasons, notes, authorities } = found;
  return {
    state,
    reasons,
    variable,
    notes,
    authorities: { before: names(authorities.before), after: names(authorities.after) },
    revoked: signatures.dbx.length,
  };
}

function readEvent(hasher: Hasher, event: BootEvent, bank: HashName, found: Findings): void {
  const refuse = (why: string) => found.reasons.push(`event ${event.number} ${why}`);
  const likeSeparator = hashesLikeSeparator(hasher, event, bank);
  if (!ALLOWED.has(event.type)) return void refuse('has a type that does not belong in PCR 7');
  if (likeSeparator && event.type !== EVENT.separator)
    return void refuse('hashes like a separator and claims to be none');
  const { covers, quirk } = coverageOf(hasher, event, bank);
  if (covers !== 'all' && quirk !== 'authority-extra-byte') return void refuse('is not what was hashed');
  if (quirk !== undefined) found.notes.push(`event ${event.number} has a byte more than what was hashed`);
  try {
    readMeasured(event, found, refuse);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    refuse(`cannot be read: ${error.message}`);
  }
}

function readMeasured(event: BootEvent, found: Findings, refuse: (why: string) => void): void {
  if (event.type === EVENT.separator) {
    found.separators += 1;
    if (found.separators > 1) refuse('is a second separator');
    if (!equalBytes(event.data, new Uint8Array(4))) refuse('is a separator of another value than 0');
  } else if (event.type === EVENT.variableDriverConfig) {
    readConfiguration(parseVariable(event.data), found, refuse);
  } else if (event.type === EVENT.variableAuthority) {
    const side = found.separators === 0 ? 'before' : 'after';
    found.authorities[side].push(parseAuthority(event.data));
    if (side === 'before') found.notes.push(`event ${event.number} authorised a driver before the separator`);
  } else {
    readAction(event, found, refuse);
  }
}

function readConfiguration(variable: UefiVariable, found: Findings, refuse: (why: string) => void): void {
  const { vendor, name, data } = variable;
  const key = `${vendor} ${name}`;
  if (found.separators > 0) refuse('configures a variable after the separator');
  if (found.variables.has(key)) refuse('measures a variable a second time');
  const known = VENDORS[name] === vendor ? ORDER.indexOf(name) : -1;
  const last = Math.max(...ORDER.map((one, index) => (found.variables.has(`${VENDORS[one]} ${one}`) ? index : -1)));
  if (known >= 0 && known < last) refuse('measures its variable out of order');
  found.variables.set(key, data);
}

/** Strings of the firmware profile, section 3.3.4.8: a debugger can do anything, missing DMA protection is a weakness. */
function readAction({ number, data }: BootEvent, found: Findings, refuse: (why: string) => void): void {
  const text = new TextDecoder('latin1').decode(data).replace(/\0$/, '');
  if (text === 'DMA Protection Disabled') found.notes.push(`event ${number}: DMA protection is disabled`);
  else if (text === 'UEFI Debug Mode') refuse('says that a firmware debugger is active');
  else refuse('is an action that is not known in PCR 7');
}

function variableNamed({ variables }: Findings, name: string): Uint8Array | undefined {
  return variables.get(`${VENDORS[name]} ${name}`);
}

function variableState(found: Findings): SecureBoot['variable'] {
  const data = variableNamed(found, 'SecureBoot');
  if (data === undefined) {
    found.reasons.push('the variable SecureBoot is not measured');
    return 'absent';
  }
  if (data.length === 0) {
    found.reasons.push('the variable SecureBoot is empty');
    return 'empty';
  }
  if (data.length !== 1 || (data[0] ?? 2) > 1) found.reasons.push('the variable SecureBoot is neither 0 nor 1');
  return data.length === 1 && data[0] === 1 ? 'on' : 'off';
}

type Databases = Readonly<Record<'db' | 'dbx', readonly SignatureEntry[]>>;

function signaturesOf(found: Findings): Databases {
  const read = (name: string): SignatureEntry[] => {
    try {
      return parseSignatureLists(variableNamed(found, name) ?? new Uint8Array());
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      found.reasons.push(`${name} cannot be read: ${error.message}`);
      return [];
    }
  };
  return { db: read('db'), dbx: read('dbx') };
}

/** What must hold besides the variable: keys, an authority for what was started, and that the databases know it. */
function checkEnabled(found: Findings, databases: Databases): void {
  for (const name of ['PK', 'KEK', 'db']) {
    if ((variableNamed(found, name)?.length ?? 0) === 0) found.reasons.push(`${name} is empty or not measured`);
  }
  const { before, after } = found.authorities;
  if (after.length === 0) found.reasons.push('no authority is recorded for what was started');
  if (before.length + after.length > AUTHORITY_LIMIT) {
    found.reasons.push(`more than ${AUTHORITY_LIMIT} authorities are recorded`);
    return;
  }
  for (const authority of [...before, ...after]) checkAuthority(authority, found, databases);
}

function checkAuthority({ vendor, name, data }: UefiVariable, found: Findings, { db, dbx }: Databases): void {
  if (isShim({ vendor, name })) {
    if (!found.authorities.after.some(isFirmware)) {
      found.reasons.push('shim vouches for an image, and db does not vouch for shim');
    }
  } else if (!isFirmware({ vendor, name })) {
    found.reasons.push('an authority is no database that vouches for images');
  } else if (!db.some((entry) => isAuthority(entry, data))) {
    found.reasons.push('an authority is not in db');
  }
  if (dbx.some((entry) => isAuthority(entry, data))) found.reasons.push('an authority is in dbx');
}

type VariableName = Pick<UefiVariable, 'vendor' | 'name'>;

/** Shim's own certificates, its list and its level: they count when db vouches for shim. vendor_db has the GUID of db (shim.c). */
function isShim({ vendor, name }: VariableName): boolean {
  return vendor === SHIM_LOCK || (vendor === IMAGE_SECURITY && name === 'vendor_db');
}

function isFirmware({ vendor, name }: VariableName): boolean {
  return vendor === IMAGE_SECURITY && name === 'db';
}

const OWNER = 16;
/** Machines have fewer than ten; each is looked up in lists that may be long. */
const AUTHORITY_LIMIT = 256;

/** An authority is an EFI_SIGNATURE_DATA; shim leaves the owner out. */
function isAuthority(entry: SignatureEntry, data: Uint8Array): boolean {
  return equalBytes(entry.data, data.subarray(OWNER)) || equalBytes(entry.data, data);
}
