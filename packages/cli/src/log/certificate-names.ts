import { X509Certificate } from 'node:crypto';

export interface CertificateNames {
  readonly subject: string;
  readonly issuer: string;
  readonly notAfter: string;
}

/** Whose certificate it says it is, for people; nothing of it is checked. Empty where OpenSSL cannot read it. */
export function certificateNames(der: Uint8Array): Partial<CertificateNames> {
  try {
    const { subject, issuer, validToDate } = new X509Certificate(der);
    return { subject: inOneLine(subject), issuer: inOneLine(issuer), notAfter: validToDate.toISOString() };
  } catch {
    return {};
  }
}

/** Node gives a line for each attribute of a name. */
function inOneLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ');
}
