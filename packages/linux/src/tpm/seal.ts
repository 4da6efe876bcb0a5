import { FormatError } from '@assay/core/errors';
import type { HashName } from '@assay/core/hash';
import { nodeHasher } from '@assay/core/node';
import {
  command,
  create,
  encodePublic,
  load,
  parsePublic,
  policyAuthValue,
  policyDigest,
  policyPcr,
  sealedTemplate,
  sensitive,
  SRK_ECC_P256,
  TPM_HANDLE,
  TPM_RC,
  TpmResponseError,
  unseal,
  type AuthSession,
  type BankValues,
  type PcrSelection,
  type PcrValues,
  type PolicyStep,
} from '@assay/core/tpm';
import type { KeyBlobs, LoadedObject, Tpm } from './tpm.ts';

/** What a TPM seals at most (MAX_SYM_DATA of the PC Client profile). */
export const MAX_SEALED = 128;

/** What must hold to unseal. */
export interface SealPolicy {
  /** PCRs; empty for none. */
  readonly selection: readonly PcrSelection[];
  /** Whether a password is asked for too; it travels as an HMAC key, never in the clear. */
  readonly password: boolean;
}

const HASH: HashName = 'sha256';
const SESSION = { hash: HASH, symmetric: { keyBits: 128 } } as const;
const NONE = new Uint8Array(0);
/** Each extend of any PCR between PolicyPCR and Unseal makes the session useless; IMA extends often. */
const ATTEMPTS = 20;

/**
 * Seals data to PCR values, a password, or both. The data travel encrypted, in a session that is salted to the storage
 * key of the owner hierarchy, under which the object is.
 * @param options.values that the PCRs must have; those of the moment if not given
 * @param options.password empty for none
 * @throws FormatError BYTES-LIMIT for more than 128 bytes
 */
export async function sealData(
  tpm: Tpm,
  data: Uint8Array,
  options: {
    readonly selection: readonly PcrSelection[];
    readonly values?: BankValues;
    readonly password?: Uint8Array;
  },
): Promise<KeyBlobs> {
  if (data.length > MAX_SEALED) {
    throw new FormatError('BYTES-LIMIT', `${data.length} bytes, where a TPM seals at most ${MAX_SEALED}`);
  }
  const password = options.password ?? NONE;
  const { selection } = options;
  const values = options.values ?? (await readSelected(tpm, selection));
  const steps = stepsOf({ selection, password: password.length > 0 }, values);
  const authPolicy = steps.length === 0 ? NONE : policyDigest(nodeHasher, HASH, steps);
  const inPublic = encodePublic(sealedTemplate(HASH, authPolicy, password.length > 0));
  return underStorageKey(tpm, async (srk, session) => {
    const parameters = { inSensitive: sensitive(password, data), inPublic, outsideInfo: NONE, creationPcr: [] };
    const uses = [{ session, encryptCommand: true, encryptResponse: true }];
    const names = new Map([[srk.handle, srk.name]]);
    const made = await tpm.runInSessions(create, { parentHandle: srk.handle, ...parameters }, uses, names);
    return { private: made.outPrivate, public: made.outPublic };
  });
}

/**
 * The data of a sealed object.
 * @throws SystemError TPM-RESPONSE: POLICY_FAIL where the PCRs have other values, INTEGRITY where another TPM sealed it,
 *   AUTH_FAIL or BAD_AUTH for a wrong password
 */
export async function unsealData(
  tpm: Tpm,
  blobs: KeyBlobs,
  options: SealPolicy & { readonly passwordValue?: Uint8Array },
): Promise<Uint8Array> {
  const hash = parsePublic(blobs.public).nameAlg;
  return underStorageKey(tpm, async (srk, session) => {
    const parameters = { parentHandle: srk.handle, inPrivate: blobs.private, inPublic: blobs.public };
    const names = new Map([[srk.handle, srk.name]]);
    const { objectHandle, name } = await tpm.runInSessions(load, parameters, [{ session }], names);
    return tpm.using(objectHandle, () => open(tpm, { handle: objectHandle, name }, srk, { ...options, hash }));
  });
}

interface Opening extends SealPolicy {
  readonly hash: HashName;
  readonly passwordValue?: Uint8Array;
}

async function open(
  tpm: Tpm,
  item: { readonly handle: number; readonly name: Uint8Array },
  srk: LoadedObject,
  options: Opening,
): Promise<Uint8Array> {
  const hasPolicy = options.selection.length > 0 || options.password;
  const salt = { handle: srk.handle, public: parsePublic(srk.public) };
  const kind = hasPolicy ? 'policy' : 'hmac';
  for (let attempt = 1; ; attempt++) {
    try {
      return await tpm.inSession({ ...SESSION, kind, hash: options.hash, salt }, async (session) => {
        if (hasPolicy) await satisfy(tpm, session, options);
        const use = { session, encryptResponse: true, authValue: options.passwordValue ?? NONE };
        const names = new Map([[item.handle, item.name]]);
        return (await tpm.runInSessions(unseal, { itemHandle: item.handle }, [use], names)).data.slice();
      });
    } catch (error) {
      const changed = error instanceof TpmResponseError && error.responseCode === TPM_RC.PCR_CHANGED;
      if (!changed || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Runs the steps of the policy in a session: with the values of the moment, which the digest of the object judges. */
async function satisfy(tpm: Tpm, { handle: policySession }: AuthSession, policy: SealPolicy): Promise<void> {
  if (policy.selection.length > 0) {
    await tpm.run(command(policyPcr, { policySession, pcrDigest: NONE, selection: policy.selection }));
  }
  if (policy.password) await tpm.run(command(policyAuthValue, { policySession }));
}

function stepsOf(policy: SealPolicy, values: BankValues): PolicyStep[] {
  const { selection } = policy;
  return [
    ...(selection.length > 0 ? [{ kind: 'pcr', selection, values } as const] : []),
    ...(policy.password ? [{ kind: 'auth-value' } as const] : []),
  ];
}

/** The values of the moment of several banks. @throws SystemError TPM-BANK */
export async function readSelected(tpm: Tpm, selection: readonly PcrSelection[]): Promise<BankValues> {
  const values = new Map<HashName, PcrValues>();
  for (const { bank, pcrs } of selection) values.set(bank, await tpm.readPcrs(bank, pcrs));
  return values;
}

/** The storage key of the owner hierarchy and a session that is salted to it; both are flushed whatever happens. */
async function underStorageKey<T>(tpm: Tpm, use: (srk: LoadedObject, session: AuthSession) => Promise<T>): Promise<T> {
  const srk = await tpm.createPrimary(TPM_HANDLE.OWNER, SRK_ECC_P256);
  const salt = { handle: srk.handle, public: parsePublic(srk.public) };
  return tpm.using(srk.handle, () => tpm.inSession({ ...SESSION, kind: 'hmac', salt }, (session) => use(srk, session)));
}
