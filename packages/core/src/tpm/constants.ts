/** TPM_ALG_ID values that are no hash (TCG Algorithm Registry); hashes stand in the hash room. */
export const TPM_ALG = {
  RSA: 0x0001,
  HMAC: 0x0005,
  AES: 0x0006,
  KEYEDHASH: 0x0008,
  NULL: 0x0010,
  RSASSA: 0x0014,
  RSAES: 0x0015,
  RSAPSS: 0x0016,
  OAEP: 0x0017,
  ECDSA: 0x0018,
  ECDH: 0x0019,
  ECMQV: 0x001d,
  ECC: 0x0023,
  CFB: 0x0043,
} as const;

/** TPMA_OBJECT (TPM 2.0 Part 2, clause 8.3). */
export const OBJECT = {
  FIXED_TPM: 0x2,
  ST_CLEAR: 0x4,
  FIXED_PARENT: 0x10,
  SENSITIVE_DATA_ORIGIN: 0x20,
  USER_WITH_AUTH: 0x40,
  ADMIN_WITH_POLICY: 0x80,
  NO_DA: 0x400,
  ENCRYPTED_DUPLICATION: 0x800,
  RESTRICTED: 0x10000,
  DECRYPT: 0x20000,
  SIGN: 0x40000,
  X509_SIGN: 0x80000,
} as const;

/** TPM_RH and TPM_RS: handles that always exist (TPM 2.0 Part 2, clause 7.4). */
export const TPM_HANDLE = {
  OWNER: 0x40000001,
  NULL: 0x40000007,
  PASSWORD: 0x40000009,
  LOCKOUT: 0x4000000a,
  ENDORSEMENT: 0x4000000b,
  PLATFORM: 0x4000000c,
} as const;

/** TPM_HT: the first byte of a handle says what it names (TPM 2.0 Part 2, clause 7.2). */
export const TPM_HT = { NV_INDEX: 0x01, TRANSIENT: 0x80, PERSISTENT: 0x81 } as const;

/** TPM_ST: structure tags. */
export const TPM_ST = {
  NO_SESSIONS: 0x8001,
  SESSIONS: 0x8002,
  ATTEST_NV: 0x8014,
  ATTEST_SESSION_AUDIT: 0x8016,
  ATTEST_CERTIFY: 0x8017,
  ATTEST_QUOTE: 0x8018,
  ATTEST_TIME: 0x8019,
  ATTEST_CREATION: 0x801a,
  CREATION: 0x8021,
  VERIFIED: 0x8022,
  AUTH_SECRET: 0x8023,
  HASHCHECK: 0x8024,
} as const;

/** TPM_SU: what Startup and Shutdown keep. */
export const TPM_SU = { CLEAR: 0x0000, STATE: 0x0001 } as const;

/** TPM_SE: kinds of session. */
export const TPM_SE = { HMAC: 0x00, POLICY: 0x01, TRIAL: 0x03 } as const;

/** Largest command and response of a PC Client TPM (PC Client Platform TPM Profile: 4096). */
export const MAX_MESSAGE = 4096;

/** PCRs of a PC Client TPM; a selection is a mask of three bytes. */
export const PCR_COUNT = 24;

/** Largest digest of an algorithm that a TPM has, in bytes. */
export const MAX_DIGEST = 64;

/** Largest TPM2B_DATA, TPM2B_NAME and TPM2B_AUTH: an algorithm id and a digest. */
export const MAX_NAME = 2 + MAX_DIGEST;
