export { keySetOf, newTokenKey, readTokenKey, type TokenKey } from './keys.ts';
export { requireTrusted, resultOf, type TrustOptions } from './service.ts';
export { signResult, TOKEN_TYPE } from './sign.ts';
export {
  parseToken,
  tokenKeysAt,
  tokenKeysOf,
  verifyToken,
  type TokenChecks,
  type TokenKeys,
  type VerifiedResult,
} from './verify.ts';
