import { fromBase64, toBase64 } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { parseCertificate, type ParsedCertificate } from '../keys/index.ts';

const BEGIN = '-----BEGIN CERTIFICATE-----';
const END = '-----END CERTIFICATE-----';
/** Of one text; collections of authorities have some hundred. */
const MAX_CERTIFICATES = 4096;

/**
 * Certificates of a text in the form of RFC 7468: what stands between them is passed over.
 * @throws FormatError PEM-FORM, with the line where the certificate begins; DER-FORM, KEY-UNKNOWN, BYTES-LIMIT
 */
export function parseCertificates(text: string): ParsedCertificate[] {
  const lines = text.split(/\r?\n/);
  const found: ParsedCertificate[] = [];
  for (let start = lines.indexOf(BEGIN); start >= 0; start = lines.indexOf(BEGIN, start + 1)) {
    const end = lines.indexOf(END, start);
    const body = end < 0 ? [] : lines.slice(start + 1, end);
    if (end < 0 || body.length === 0 || body.includes(BEGIN)) throw broken(start + 1);
    if (found.length === MAX_CERTIFICATES)
      throw new FormatError('BYTES-LIMIT', `over ${MAX_CERTIFICATES} certificates`);
    found.push(parseCertificate(decoded(body.join(''), start + 1)));
  }
  return found;
}

/** One certificate in that form. @param der X.509 */
export function certificatePem(der: Uint8Array): string {
  const lines = toBase64(der).match(/.{1,64}/g) ?? [];
  return [BEGIN, ...lines, END, ''].join('\n');
}

function decoded(body: string, line: number): Uint8Array {
  try {
    return fromBase64(body);
  } catch (error) {
    throw error instanceof FormatError ? broken(line) : error;
  }
}

function broken(line: number): FormatError {
  return new FormatError('PEM-FORM', `line ${line}: the certificate that begins here is broken`, { line });
}
