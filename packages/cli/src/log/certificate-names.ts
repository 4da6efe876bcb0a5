import { FormatError } from '@assay/core/errors';
import type { ParsedCertificate } from '@assay/core/keys';
import { nameText } from '@assay/core/x509';

export interface CertificateNames {
  readonly subject: string;
  readonly issuer: string;
  /** RFC 3339, UTC. */
  readonly notAfter: string;
}

/** Whose certificate it says it is; nothing of it is checked. Nothing where the names cannot be read. */
export function certificateNames({ subject, issuer, validity }: ParsedCertificate): Partial<CertificateNames> {
  const notAfter = new Date(validity.notAfter).toISOString();
  try {
    return { subject: nameText(subject), issuer: nameText(issuer), notAfter };
  } catch (error) {
    if (error instanceof FormatError) return { notAfter };
    throw error;
  }
}
