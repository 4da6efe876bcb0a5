import { FormatError } from '../errors/index.ts';
import { DER, DerReader, type ParsedCertificate } from '../keys/index.ts';

/** 1.3.6.1.4.1.11129.2.1.21, in certificates of keys that Google Compute Engine puts into virtual TPMs. */
const INSTANCE = '2b06010401d679020115';
/** Numbers are of 64 bits, with a sign that is never used. */
const NUMBER_BYTES = 8;
const TEXT_LIMIT = 256;

/** A virtual machine, as its cloud names it. Text of the certificate: escape it before it is shown. */
export interface CloudInstance {
  readonly zone: string;
  /** Decimal. */
  readonly projectNumber: string;
  readonly projectId: string;
  /** Decimal: never given to another machine, unlike the name. */
  readonly instanceId: string;
  readonly instanceName: string;
}

/**
 * What a certificate of Google Compute Engine says of the machine, verified or not; undefined where it says nothing.
 * @throws FormatError DER-FORM
 */
export function cloudInstance({ extensions }: ParsedCertificate): CloudInstance | undefined {
  const value = extensions.get(INSTANCE)?.value;
  if (value === undefined) return undefined;
  const outer = new DerReader(value, 'GCE instance');
  const fields = outer.enter(DER.sequence, 'instance');
  outer.end();
  const zone = text(fields, 'zone');
  const projectNumber = number(fields, 'project number');
  const projectId = text(fields, 'project id');
  const instanceId = number(fields, 'instance id');
  const instanceName = text(fields, 'instance name');
  // What follows are properties of confidential machines, more of them over the years.
  if (fields.nextTag !== undefined) properties(fields);
  fields.end();
  return { zone, projectNumber, projectId, instanceId, instanceName };
}

function text(fields: DerReader, field: string): string {
  const bytes = fields.read(DER.utf8String, field);
  if (bytes.length === 0 || bytes.length > TEXT_LIMIT) throw refused(`${field} of ${bytes.length} bytes`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refused(`${field} is no UTF-8`);
  }
}

function number(fields: DerReader, field: string): string {
  const bytes = fields.unsigned(field);
  if (bytes.length > NUMBER_BYTES) throw refused(`${field} has over 64 bits`);
  return bytes.reduce((value, byte) => value * 256n + BigInt(byte), 0n).toString();
}

function properties(fields: DerReader): void {
  const tagged = fields.enter(DER.context(0), 'security properties');
  tagged.read(DER.sequence, 'security properties');
  tagged.end();
}

function refused(reason: string): FormatError {
  return new FormatError('DER-FORM', `GCE instance: ${reason}`, { offset: 0 });
}
