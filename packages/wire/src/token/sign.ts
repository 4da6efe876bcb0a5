import { utf8 } from '@assay/core/bytes';
import { earClaims, type AttestationResult, type EarProfile } from '@assay/core/ear';
import { CompactSign } from 'jose';
import { TOKEN_ALGORITHM, type TokenKey } from './keys.ts';

/** Media type of a token (RFC 9782); its profile is a parameter of it. */
export const TOKEN_TYPE = 'application/eat+jwt';

/** A signed attestation result: a JWS in compact form. */
export async function signResult(result: AttestationResult, profile: EarProfile, key: TokenKey): Promise<string> {
  return new CompactSign(utf8(JSON.stringify(earClaims(result, profile))))
    .setProtectedHeader({ alg: TOKEN_ALGORITHM, typ: 'eat+jwt', kid: key.jwk.kid })
    .sign(key.privateKey);
}
