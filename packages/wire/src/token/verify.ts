import { strictJson } from '@assay/core/bytes';
import { readResult, type ParsedResult } from '@assay/core/ear';
import { FormatError, SystemError, VerificationError } from '@assay/core/errors';
import {
  base64url,
  compactVerify,
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type CompactJWSHeaderParameters,
  type FlattenedJWSInput,
} from 'jose';
import { z } from 'zod';
import { TOKEN_ALGORITHM } from './keys.ts';

const LONGEST_TOKEN = 64 * 1024;
/** Seconds by which the clocks of verifier and reader may differ. */
const CLOCK_DIFFERENCE = 5;
/** Seconds for which a result holds that names no end. */
const LIFE_WITHOUT_END = 300;

/** Three parts in base64url (RFC 7515, section 7.1). */
const COMPACT = /^[\w-]+\.((?:[\w-]{4})*(?:[\w-]{2,3})?)\.[\w-]*$/;

const KeySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(100) });

export type TokenKeys = (
  header: CompactJWSHeaderParameters,
  token: FlattenedJWSInput,
) => ReturnType<ReturnType<typeof createLocalJWKSet>>;

/**
 * Keys from a JWK set that is at hand.
 * @throws FormatError KEY-UNKNOWN
 */
export function tokenKeysOf(set: unknown): TokenKeys {
  const keySet = KeySet.safeParse(set);
  if (!keySet.success) throw new FormatError('KEY-UNKNOWN', 'the trusted keys are no JWK set (RFC 7517)');
  return createLocalJWKSet(keySet.data);
}

/** Keys fetched from a verifier, `https://…/.well-known/jwks.json`, and again when a token names one that is new. */
export function tokenKeysAt(url: URL): TokenKeys {
  return createRemoteJWKSet(url, { timeoutDuration: 5000 });
}

export interface TokenChecks {
  readonly now: Date;
  /** What the result must answer, where the reader asked for it. */
  readonly nonce?: string;
}

/** An attestation result whose signature, time and nonce hold. What it says may still not be enough: see requirements. */
class VerifiedResult implements ParsedResult {
  readonly #parsed: ParsedResult;
  /** Name of the key that signed. */
  readonly keyId: string | undefined;

  constructor(parsed: ParsedResult, keyId: string | undefined) {
    this.#parsed = parsed;
    this.keyId = keyId;
  }

  get profile(): ParsedResult['profile'] {
    return this.#parsed.profile;
  }
  get issuedAt(): number {
    return this.#parsed.issuedAt;
  }
  get expiresAt(): number | undefined {
    return this.#parsed.expiresAt;
  }
  get verifier(): ParsedResult['verifier'] {
    return this.#parsed.verifier;
  }
  get nonces(): readonly string[] {
    return this.#parsed.nonces;
  }
  get status(): ParsedResult['status'] {
    return this.#parsed.status;
  }
  get appraisals(): ParsedResult['appraisals'] {
    return this.#parsed.appraisals;
  }
  get host(): ParsedResult['host'] {
    return this.#parsed.host;
  }
}

export type { VerifiedResult };

/**
 * Checks an attestation result: signed with ES256 by one of the keys, in its time, and with the nonce.
 * @throws FormatError TOKEN-FORM; VerificationError TOKEN-SIGNATURE, TOKEN-KEY-UNKNOWN, TOKEN-EXPIRED, TOKEN-NONCE;
 * SystemError VERIFIER-UNREACHABLE when the keys cannot be fetched
 */
export async function verifyToken(token: string, keys: TokenKeys, checks: TokenChecks): Promise<VerifiedResult> {
  if (token.length > LONGEST_TOKEN) throw new FormatError('TOKEN-FORM', `a token of ${token.length} characters`);
  const { payload, protectedHeader } = await verifiedJws(token, keys);
  const parsed = readResult(strictJson(payload, 'TOKEN-FORM'));
  checkTime(parsed, Math.floor(checks.now.getTime() / 1000));
  if (checks.nonce !== undefined && !parsed.nonces.includes(checks.nonce)) {
    throw new VerificationError('TOKEN-NONCE', 'the result does not carry the nonce that was asked with');
  }
  return new VerifiedResult(parsed, protectedHeader.kid);
}

/** Reads a token without asking who signed it. @throws FormatError TOKEN-FORM */
export function parseToken(token: string): ParsedResult {
  if (token.length > LONGEST_TOKEN) throw new FormatError('TOKEN-FORM', `a token of ${token.length} characters`);
  const payload = COMPACT.exec(token)?.[1];
  if (payload === undefined) throw new FormatError('TOKEN-FORM', 'the text is no JWS in compact form');
  return readResult(strictJson(base64url.decode(payload), 'TOKEN-FORM'));
}

async function verifiedJws(token: string, keys: TokenKeys): ReturnType<typeof compactVerify> {
  try {
    return await compactVerify(token, keys, { algorithms: [TOKEN_ALGORITHM] });
  } catch (error) {
    throw refusal(error);
  }
}

function refusal(error: unknown): Error {
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return new VerificationError('TOKEN-SIGNATURE', 'the signature does not hold under the key that the token names');
  }
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
    return new VerificationError('TOKEN-KEY-UNKNOWN', 'the token names none of the trusted keys');
  }
  if (error instanceof errors.JWSInvalid || error instanceof errors.JOSEAlgNotAllowed) {
    return new FormatError('TOKEN-FORM', `the text is no JWS that is signed with ${TOKEN_ALGORITHM}`);
  }
  if (error instanceof errors.JOSENotSupported) return new FormatError('TOKEN-FORM', 'the JWS needs what is not known');
  const reason = error instanceof Error ? error.message : String(error);
  return new SystemError('VERIFIER-UNREACHABLE', `the keys of tokens cannot be fetched: ${reason}`, { cause: error });
}

function checkTime({ issuedAt, expiresAt }: ParsedResult, now: number): void {
  if (issuedAt > now + CLOCK_DIFFERENCE) {
    throw new VerificationError(
      'TOKEN-EXPIRED',
      `the result is dated ${issuedAt} s since 1970, which is in the future`,
    );
  }
  const end = expiresAt ?? issuedAt + LIFE_WITHOUT_END;
  if (now >= end + CLOCK_DIFFERENCE)
    throw new VerificationError('TOKEN-EXPIRED', `the result ended at ${new Date(end * 1000).toISOString()}`);
}
