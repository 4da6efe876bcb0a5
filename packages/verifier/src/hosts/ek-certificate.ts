import { fromBase64 } from '@assay/core/bytes';
import { FormatError, VerificationError, type FindingCode } from '@assay/core/errors';
import { manufacturerName, verifyEkCertificate, type EkCertificateInput } from '@assay/core/evidence';
import { parseCertificate } from '@assay/core/keys';
import { nodeSignatures } from '@assay/core/node';
import { checkEndorsementKey, parsePublic } from '@assay/core/tpm';
import { nameText } from '@assay/core/x509';
import { z } from 'zod';
import type { HostRow } from '../store/schema.ts';

/** Authorities that may vouch for endorsement keys; of `known` nothing is believed. */
export type EkAuthorities = Pick<EkCertificateInput, 'anchors' | 'known'>;

/** Who vouches for an endorsement key, as the certificates have it. */
const Endorsement = z.object({ authority: z.string(), maker: z.string().optional(), model: z.string().optional() });
export type Endorsement = z.infer<typeof Endorsement>;

export function endorsementIn({ endorsement }: Pick<HostRow, 'endorsement'>): Endorsement | null {
  return endorsement === null ? null : Endorsement.parse(JSON.parse(endorsement));
}

export type Refusal = { readonly code: FindingCode; readonly message: string };
export type Endorsing = { readonly endorsement: Endorsement | null; readonly refusal: Refusal | null };

const Certificates = z.array(z.string());

/** Looks at what came with the key: certificates that do not verify are never the same as none. */
export function endorse(
  authorities: EkAuthorities,
  { ek_public, ek_certificates }: Pick<HostRow, 'ek_public' | 'ek_certificates'>,
  now: Date,
): Endorsing {
  const texts = ek_certificates === null ? [] : Certificates.parse(JSON.parse(ek_certificates));
  if (texts.length === 0) return { endorsement: null, refusal: null };
  try {
    return { endorsement: verified(authorities, texts, ek_public, now), refusal: null };
  } catch (error) {
    if (error instanceof VerificationError) return { endorsement: null, refusal: error };
    if (!(error instanceof FormatError)) throw error;
    const message = `the endorsement certificate cannot be read: ${error.message}`;
    return { endorsement: null, refusal: { code: 'EK-CERTIFICATE', message } };
  }
}

function verified(
  authorities: EkAuthorities,
  texts: readonly string[],
  ekPublic: Uint8Array,
  now: Date,
): Endorsement | null {
  const [certificate, ...sent] = texts.map((text) => parseCertificate(fromBase64(text)));
  if (certificate === undefined) return null;
  const ek = checkEndorsementKey(parsePublic(ekPublic));
  const input = { certificate, sent, ...authorities, ek, now: now.getTime() };
  const { path, tpm } = verifyEkCertificate(input, nodeSignatures);
  const root = path.at(-1) ?? certificate;
  return {
    authority: nameText(root.subject),
    ...(tpm === undefined ? {} : { maker: manufacturerName(tpm.manufacturer) }),
    ...(tpm?.model === undefined ? {} : { model: tpm.model }),
  };
}
