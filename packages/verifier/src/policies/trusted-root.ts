import { strictJson } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import type { toTrustMaterial } from '@sigstore/verify';
import { z } from 'zod';

export type TrustedRoot = Parameters<typeof toTrustMaterial>[0];

/** `PublicKeyDetails` of sigstore_common.proto, of keys that logs sign with. */
const KEY_DETAILS = {
  PKCS1_RSA_PKCS1V5: 1,
  PKIX_RSA_PKCS1V5: 3,
  PKIX_RSA_PKCS1V15_2048_SHA256: 9,
  PKIX_RSA_PKCS1V15_3072_SHA256: 10,
  PKIX_RSA_PKCS1V15_4096_SHA256: 11,
  PKIX_ECDSA_P256_SHA_256: 5,
  PKIX_ECDSA_P384_SHA_384: 12,
  PKIX_ECDSA_P521_SHA_512: 13,
  PKIX_ED25519: 7,
} as const;
const DETAILS_NAMES = [
  'PKCS1_RSA_PKCS1V5',
  'PKIX_RSA_PKCS1V5',
  'PKIX_RSA_PKCS1V15_2048_SHA256',
  'PKIX_RSA_PKCS1V15_3072_SHA256',
  'PKIX_RSA_PKCS1V15_4096_SHA256',
  'PKIX_ECDSA_P256_SHA_256',
  'PKIX_ECDSA_P384_SHA_384',
  'PKIX_ECDSA_P521_SHA_512',
  'PKIX_ED25519',
] as const;

const Bytes = z.base64().transform((text) => Buffer.from(text, 'base64'));
const Time = z.iso
  .datetime({ offset: true })
  .nullish()
  .transform((text) => (typeof text === 'string' ? new Date(text) : undefined));
const Period = z
  .object({ start: Time, end: Time })
  .nullish()
  .transform((period) => period ?? undefined);
/** A log without a beginning would vouch for all the past. */
const LogPeriod = Period.refine((period) => period?.start !== undefined, 'has no start');
const LogId = z.object({ keyId: Bytes });
/** SHA2_256 of `HashAlgorithm`, the only one of logs. */
const HASH_ALGORITHM = 1;

const Log = z.object({
  baseUrl: z.string(),
  hashAlgorithm: z.literal('SHA2_256').transform(() => HASH_ALGORITHM),
  publicKey: z
    .object({ rawBytes: Bytes, keyDetails: z.enum(DETAILS_NAMES), validFor: LogPeriod })
    .transform((key) => ({ ...key, keyDetails: KEY_DETAILS[key.keyDetails] })),
  logId: LogId,
  checkpointKeyId: LogId.nullish(),
});
const Authority = z.object({
  uri: z.string().default(''),
  certChain: z.object({ certificates: z.array(z.object({ rawBytes: Bytes })).min(1) }),
  validFor: Period,
});
const Root = z.object({
  mediaType: z.string().regex(/^application\/vnd\.dev\.sigstore\.trustedroot(?:\.v0\.[12])?\+json/),
  tlogs: z.array(Log).default([]),
  ctlogs: z.array(Log).default([]),
  certificateAuthorities: z.array(Authority).default([]),
  timestampAuthorities: z.array(Authority).default([]),
});

/**
 * Reads a trusted root of Sigstore, such as `trusted_root.json` that `cosign trusted-root create` writes.
 * @throws FormatError ENVELOPE-FORM
 */
export function parseTrustedRoot(bytes: Uint8Array): TrustedRoot {
  const { success, data, error } = Root.safeParse(strictJson(bytes, 'ENVELOPE-FORM'));
  if (!success) {
    const [issue] = error.issues;
    throw new FormatError('ENVELOPE-FORM', `the trusted root: ${issue?.path.join('.')} ${issue?.message}`);
  }
  return {
    mediaType: data.mediaType,
    tlogs: data.tlogs.map(logOf),
    ctlogs: data.ctlogs.map(logOf),
    certificateAuthorities: data.certificateAuthorities.map(authorityOf),
    timestampAuthorities: data.timestampAuthorities.map(authorityOf),
  };
}

function logOf(log: z.infer<typeof Log>): TrustedRoot['tlogs'][number] {
  // oxlint-disable-next-line no-unsafe-enum-assignment -- the enum is in a package of which only the types come here
  return { ...log, checkpointKeyId: log.checkpointKeyId ?? undefined, operator: '' };
}

function authorityOf(authority: z.infer<typeof Authority>): TrustedRoot['certificateAuthorities'][number] {
  return { ...authority, subject: undefined, validFor: authority.validFor, operator: '' };
}
