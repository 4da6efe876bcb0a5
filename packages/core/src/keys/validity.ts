import { FormatError } from '../errors/index.ts';
import { DER, type DerReader } from './der.ts';

/** Both ends belong to it (RFC 5280 section 4.1.2.5). Milliseconds since 1970-01-01T00:00:00Z. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

const TIME = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;
const LONGEST = 'YYYYMMDDHHMMSSZ'.length;
/** RFC 5280 section 4.1.2.5.1: two digits from 50 on are of the twentieth century. */
const FIRST_YEAR_OF_1900S = 50;

/** @throws FormatError DER-FORM */
export function readValidity(validity: DerReader): Validity {
  const dates = { notBefore: readTime(validity, 'notBefore'), notAfter: readTime(validity, 'notAfter') };
  validity.end();
  return dates;
}

function readTime(validity: DerReader, field: string): number {
  const short = validity.nextTag === DER.utcTime;
  const content = validity.read(short ? DER.utcTime : DER.generalizedTime, field);
  const text = String.fromCharCode(...content.subarray(0, LONGEST + 1));
  const digits = short ? withCentury(text) : text;
  const iso = digits.replace(TIME, '$1-$2-$3T$4:$5:$6.000Z');
  const time = Date.parse(iso);
  // Date.parse may carry over: the thirty-first of April would be the first of May.
  if (!TIME.test(digits) || Number.isNaN(time) || new Date(time).toISOString() !== iso) {
    const message = `certificate: ${field} is no time of the form that RFC 5280 section 4.1.2.5 gives`;
    throw new FormatError('DER-FORM', message);
  }
  return time;
}

function withCentury(text: string): string {
  return `${Number(text.slice(0, 2)) >= FIRST_YEAR_OF_1900S ? '19' : '20'}${text}`;
}
