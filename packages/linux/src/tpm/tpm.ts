import { setTimeout as delay } from 'node:timers/promises';
import { SystemError } from '@assay/core/errors';
import type { HashName } from '@assay/core/hash';
import {
  activateCredential,
  AK_ECC_P256,
  command,
  create,
  createPrimary,
  EK_ECC_P256,
  EK_RSA_2048,
  EMPTY_PASSWORD,
  encodePublic,
  flushContext,
  getCapability,
  getRandom,
  knownBanks,
  load,
  NO_SENSITIVE,
  pcrExtend,
  policyAuthorization,
  policySecret,
  quote,
  readClock,
  readPcrValues,
  readPublic,
  responseCodeOf,
  shutdown,
  startAuthSession,
  startup,
  TPM_CAP,
  TPM_HANDLE,
  TPM_RC,
  TPM_SE,
  TPM_SU,
  TpmResponseError,
  type Authorization,
  type ClockInfo,
  type PcrSelection,
  type PublicArea,
  type TpmCommand,
} from '@assay/core/tpm';
import { readIdentity, type TpmIdentity } from './identity.ts';
import type { TpmTransport } from './transport.ts';

/** A key that was created and is not loaded: TPM2B_PRIVATE and TPM2B_PUBLIC. */
export interface KeyBlobs {
  readonly private: Uint8Array;
  readonly public: Uint8Array;
}

/** Waits in milliseconds before a command that the TPM could not take yet is sent again. */
const RETRY_DELAYS = [0, 0, 5, 20, 100, 500, 1000, 2000] as const;
const SEND_AGAIN: readonly number[] = [TPM_RC.RETRY, TPM_RC.YIELDED, TPM_RC.TESTING];

/** TPMs make RSA keys in seconds, discrete ones in up to a minute. */
const TIME_LIMIT_MS = 120_000;

const NONE = new Uint8Array(0);

/**
 * A TPM 2.0, whatever carries the bytes. Commands queue one after another.
 * Every method throws SystemError: TPM-UNREACHABLE, or TPM-RESPONSE with the TPM's answer in words; and FormatError
 * where the answer is not of the form that its command gives it.
 */
export class Tpm {
  readonly description: string;
  readonly #transport: TpmTransport;
  readonly #timeLimitMs: number;
  #queue: Promise<unknown> = Promise.resolve();

  /** @param options.timeLimitMs how long one command may take */
  constructor(transport: TpmTransport, options: { timeLimitMs?: number } = {}) {
    this.description = transport.description;
    this.#transport = transport;
    this.#timeLimitMs = options.timeLimitMs ?? TIME_LIMIT_MS;
  }

  /** TPM2_Startup(CLEAR); a TPM that was started already, as firmware does, stays as it is. */
  async startup(): Promise<void> {
    try {
      await this.run(command(startup, { startupType: TPM_SU.CLEAR }));
    } catch (error) {
      if (!(error instanceof TpmResponseError && error.responseCode === TPM_RC.INITIALIZE)) throw error;
    }
  }

  /** TPM2_Shutdown(CLEAR): before the TPM loses power. */
  async shutdown(): Promise<void> {
    await this.run(command(shutdown, { shutdownType: TPM_SU.CLEAR }));
  }

  async identity(): Promise<TpmIdentity> {
    return readIdentity((each) => this.run(each));
  }

  /** @param size at most the TPM's largest digest, in bytes */
  async random(size: number): Promise<Uint8Array> {
    return (await this.run(command(getRandom, { bytesRequested: size }))).randomBytes;
  }

  async readClock(): Promise<ClockInfo> {
    return (await this.run(command(readClock, {}))).clockInfo;
  }

  /** Banks that are active and hold PCR 10, where measurement lists are anchored; in the TPM's order. */
  async activeBanks(): Promise<HashName[]> {
    const query = { capability: TPM_CAP.PCRS, property: 0, propertyCount: 1 };
    const { capabilityData } = await this.run(command(getCapability, query));
    return capabilityData.kind === 'pcrs' ? knownBanks(capabilityData.banks, 10) : [];
  }

  /** Values of one moment. @throws SystemError TPM-BANK too, where the bank is not active */
  async readPcrs(bank: HashName, pcrs: readonly number[]): Promise<Map<number, Uint8Array>> {
    return readPcrValues((each) => this.run(each), bank, pcrs);
  }

  /** All banks in one command, so that no reader sees one bank extended and another not yet. */
  async extendPcr(pcr: number, digests: ReadonlyMap<HashName, Uint8Array>): Promise<void> {
    const list = Array.from(digests, ([algorithm, digest]) => ({ algorithm, digest }));
    await this.run(command(pcrExtend, { pcr, digests: list }, [EMPTY_PASSWORD]));
  }

  /** EK template L-2 (ECC P-256), or L-1 (RSA 2048) where the TPM has no P-256: the same key each time. */
  async createEndorsementKey(): Promise<{ handle: number; public: Uint8Array }> {
    try {
      return await this.#createPrimary(EK_ECC_P256);
    } catch (error) {
      if (!(error instanceof TpmResponseError && isAboutParameter(error.responseCode, 2))) throw error;
      return this.#createPrimary(EK_RSA_2048);
    }
  }

  /** A restricted ECDSA P-256 signing key under the EK; not loaded. */
  async createAttestationKey(ekHandle: number): Promise<KeyBlobs> {
    const result = await this.#asEndorsementUser((session) =>
      this.run(command(create, { parentHandle: ekHandle, ...creation(AK_ECC_P256) }, [session])),
    );
    return { private: result.outPrivate, public: result.outPublic };
  }

  async loadAttestationKey(ekHandle: number, blobs: KeyBlobs): Promise<{ handle: number; name: Uint8Array }> {
    const parameters = { parentHandle: ekHandle, inPrivate: blobs.private, inPublic: blobs.public };
    const result = await this.#asEndorsementUser((session) => this.run(command(load, parameters, [session])));
    return { handle: result.objectHandle, name: result.name };
  }

  /** TPM2B_PUBLIC and the names of a loaded key. */
  async readPublic(handle: number): Promise<{ public: Uint8Array; name: Uint8Array; qualifiedName: Uint8Array }> {
    const { outPublic, name, qualifiedName } = await this.run(command(readPublic, { objectHandle: handle }));
    return { public: outPublic, name, qualifiedName };
  }

  /**
   * The secret of a credential that was made for these two keys.
   * @param credentialBlob TPM2B_ID_OBJECT
   * @param encryptedSecret TPM2B_ENCRYPTED_SECRET
   */
  async activateCredential(
    akHandle: number,
    ekHandle: number,
    credentialBlob: Uint8Array,
    encryptedSecret: Uint8Array,
  ): Promise<Uint8Array> {
    const parameters = { activateHandle: akHandle, keyHandle: ekHandle, credentialBlob, secret: encryptedSecret };
    const result = await this.#asEndorsementUser((session) =>
      this.run(command(activateCredential, parameters, [EMPTY_PASSWORD, session])),
    );
    return result.certInfo;
  }

  /**
   * @param extraData at most 32 bytes suit every TPM
   * @returns TPMS_ATTEST and TPMT_SIGNATURE
   */
  async quote(
    akHandle: number,
    extraData: Uint8Array,
    selection: readonly PcrSelection[],
  ): Promise<{ message: Uint8Array; signature: Uint8Array }> {
    const parameters = { signHandle: akHandle, qualifyingData: extraData, inScheme: null, selection };
    const result = await this.run(command(quote, parameters, [EMPTY_PASSWORD]));
    return { message: result.quoted, signature: result.signature };
  }

  /** Unloads a key or ends a session. */
  async flush(handle: number): Promise<void> {
    await this.run(command(flushContext, { flushHandle: handle }));
  }

  /** After the commands that wait. */
  async close(): Promise<void> {
    await this.#queue;
    await this.#transport.close();
  }

  /** Sends one command when those before it are done. */
  run<T>(each: TpmCommand<T>): Promise<T> {
    const answer = this.#queue.then(() => this.#exchange(each));
    this.#queue = answer.catch(() => undefined);
    return answer;
  }

  async #exchange<T>(each: TpmCommand<T>): Promise<T> {
    for (const wait of RETRY_DELAYS) {
      const response = await this.#withinLimit(each);
      if (!SEND_AGAIN.includes(responseCodeOf(response))) return each.decode(response);
      if (wait > 0) await delay(wait);
    }
    return each.decode(await this.#withinLimit(each));
  }

  async #withinLimit(each: TpmCommand<unknown>): Promise<Uint8Array> {
    const limit = new AbortController();
    const late = delay(this.#timeLimitMs, undefined, { signal: limit.signal }).then(() => {
      throw new SystemError(
        'TPM-UNREACHABLE',
        `${this.description}: no answer to ${each.name} in ${this.#timeLimitMs} ms`,
      );
    });
    try {
      return await Promise.race([this.#transport.send(each.bytes), late]);
    } finally {
      limit.abort();
    }
  }

  async #createPrimary(template: PublicArea): Promise<{ handle: number; public: Uint8Array }> {
    const parameters = { primaryHandle: TPM_HANDLE.ENDORSEMENT, ...creation(template) };
    const result = await this.run(command(createPrimary, parameters, [EMPTY_PASSWORD]));
    return { handle: result.objectHandle, public: result.outPublic };
  }

  /** A policy session that satisfies the EK's policy; it is ended whatever happens. */
  async #asEndorsementUser<T>(use: (session: Authorization) => Promise<T>): Promise<T> {
    const { sessionHandle } = await this.run(
      command(startAuthSession, {
        tpmKey: TPM_HANDLE.NULL,
        bind: TPM_HANDLE.NULL,
        nonceCaller: new Uint8Array(16), // Enters only HMACs, and this session has none.
        encryptedSalt: NONE,
        sessionType: TPM_SE.POLICY,
        symmetric: null,
        authHash: 'sha256',
      }),
    );
    try {
      const handles = { authHandle: TPM_HANDLE.ENDORSEMENT, policySession: sessionHandle };
      const policy = { nonceTpm: NONE, cpHashA: NONE, policyRef: NONE, expiration: 0 };
      await this.run(command(policySecret, { ...handles, ...policy }, [EMPTY_PASSWORD]));
      return await use(policyAuthorization(sessionHandle));
    } finally {
      await this.flush(sessionHandle).catch(ignoreRefusal);
    }
  }
}

/** A session that cannot be ended must not hide why the command before failed. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof SystemError)) throw error;
}

function creation(template: PublicArea): {
  inSensitive: Uint8Array;
  inPublic: Uint8Array;
  outsideInfo: Uint8Array;
  creationPcr: readonly PcrSelection[];
} {
  return { inSensitive: NO_SENSITIVE, inPublic: encodePublic(template), outsideInfo: NONE, creationPcr: [] };
}

/** Format-one code about this parameter (TPM 2.0 Part 2, clause 6.6.2). */
function isAboutParameter(responseCode: number, parameter: number): boolean {
  return (responseCode & 0xfc0) === ((parameter << 8) | 0xc0);
}
