import { z } from 'zod';

/** How a result is asked for. */
export const ResultQuery = z.strictObject({
  /** Names of the claims: draft-ietf-rats-ear, or what Veraison's tools read. */
  profile: z.enum(['ietf', 'veraison']).default('ietf'),
  /** base64url of 8 to 64 bytes, which the result then carries. */
  nonce: z
    .string()
    .regex(/^[A-Za-z0-9_-]{11,86}$/, 'is not base64url of 8 to 64 bytes')
    .optional(),
});
export type ResultQuery = z.infer<typeof ResultQuery>;

export const ResultDocument = z.object({
  schema: z.literal('assay.result.v1'),
  /** A JWS in compact form: an EAT attestation result. */
  token: z.string().max(64 * 1024),
});

/** RFC 7517; every key is ECDSA on P-256. */
export const ResultKeys = z.object({
  keys: z.array(
    z.object({
      kty: z.literal('EC'),
      crv: z.literal('P-256'),
      x: z.string(),
      y: z.string(),
      kid: z.string(),
      use: z.literal('sig'),
      alg: z.literal('ES256'),
    }),
  ),
});
