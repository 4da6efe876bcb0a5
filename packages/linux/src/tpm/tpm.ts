import { setTimeout as delay } from 'node:timers/promises';
import { SystemError } from '@assay/core/errors';
import type { HashName } from '@assay/core/hash';
import { nodeCrypto } from '@assay/core/node';
import {
  activateCredential,
  AK_TEMPLATES,
  command,
  commandInSessions,
  create,
  createPrimary,
  EK_TEMPLATES,
  EMPTY_PASSWORD,
  encodePublic,
  flushContext,
  getRandom,
  knownBanks,
  load,
  NO_SENSITIVE,
  OBJECT,
  parsePublic,
  pcrExtend,
  policyAuthorization,
  policySecret,
  quote,
  readClock,
  readPcrValues,
  readPublic,
  responseCodeOf,
  shutdown,
  startSession,
  startup,
  TPM_HANDLE,
  TPM_RC,
  TPM_SU,
  TpmResponseError,
  type AkTemplateName,
  type Authorization,
  type AuthSession,
  type ClockInfo,
  type CommandLayout,
  type EkTemplateName,
  type Fields,
  type HandleNames,
  type PcrSelection,
  type PublicArea,
  type SessionOptions,
  type TpmCommand,
  type Use,
  type Values,
} from '@assay/core/tpm';
import { readBanks } from './capability.ts';
import { readIdentity, type TpmIdentity } from './identity.ts';
import type { TpmTransport } from './transport.ts';

/** A key that was created and is not loaded: TPM2B_PRIVATE and TPM2B_PUBLIC. */
export interface KeyBlobs {
  readonly private: Uint8Array;
  readonly public: Uint8Array;
}

/** A key in the TPM, with its TPM2B_PUBLIC; to be flushed. */
export interface LoadedObject {
  readonly handle: number;
  readonly public: Uint8Array;
  readonly name: Uint8Array;
}

/** Waits in milliseconds before a command that the TPM could not take yet is sent again. */
const RETRY_DELAYS = [0, 0, 5, 20, 100, 500, 1000, 2000] as const;
const SEND_AGAIN: readonly number[] = [TPM_RC.RETRY, TPM_RC.YIELDED, TPM_RC.TESTING];

/** TPMs make RSA keys in seconds, discrete ones in up to a minute. */
const TIME_LIMIT_MS = 120_000;

/** TPM_HT_PERSISTENT (TPM 2.0 Part 2, clause 7.2). */
const PERSISTENT = 0x81;

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
    return knownBanks(await readBanks((each) => this.run(each)), 10);
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

  /**
   * The endorsement key of a template: the same key each time. Without a name it is that of L-2 (ECC P-256), or of L-1
   * (RSA 2048) where the TPM has no P-256.
   */
  async createEndorsementKey(template?: EkTemplateName): Promise<{ handle: number; public: Uint8Array }> {
    const make = (name: EkTemplateName): Promise<LoadedObject> =>
      this.createPrimary(TPM_HANDLE.ENDORSEMENT, EK_TEMPLATES[name].area);
    if (template !== undefined) return make(template);
    try {
      return await make('L-2');
    } catch (error) {
      if (!(error instanceof TpmResponseError && isAboutParameter(error.responseCode, 2))) throw error;
      return make('L-1');
    }
  }

  /** A key that the seed of a hierarchy gives: the same each time. The hierarchy has the empty password. */
  async createPrimary(hierarchy: number, template: PublicArea): Promise<LoadedObject> {
    const parameters = { primaryHandle: hierarchy, ...creationOf(template) };
    const result = await this.run(command(createPrimary, parameters, [EMPTY_PASSWORD]));
    return { handle: result.objectHandle, public: result.outPublic, name: result.name };
  }

  /** A restricted signing key under the EK; not loaded. */
  async createAttestationKey(ekHandle: number, template: AkTemplateName = 'ecdsa-p256'): Promise<KeyBlobs> {
    const parameters = { parentHandle: ekHandle, ...creationOf(AK_TEMPLATES[template]) };
    const result = await this.#asUserOf(ekHandle, (ek) => this.run(command(create, parameters, [ek])));
    return { private: result.outPrivate, public: result.outPublic };
  }

  async loadAttestationKey(ekHandle: number, blobs: KeyBlobs): Promise<{ handle: number; name: Uint8Array }> {
    const parameters = { parentHandle: ekHandle, inPrivate: blobs.private, inPublic: blobs.public };
    const result = await this.#asUserOf(ekHandle, (ek) => this.run(command(load, parameters, [ek])));
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
    const result = await this.#asUserOf(ekHandle, (ek) =>
      this.run(command(activateCredential, parameters, [EMPTY_PASSWORD, ek])),
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

  /** Gives a loaded object or an open session to `use`, and flushes it whatever happens; a persistent object stays. */
  async using<R>(handle: number, use: () => Promise<R>): Promise<R> {
    if (handle >>> 24 === PERSISTENT) return use();
    try {
      return await use();
    } finally {
      await this.flush(handle).catch(ignoreRefusal);
    }
  }

  /** A session for `use`; it is ended whatever happens. */
  async inSession<R>(options: SessionOptions, use: (session: AuthSession) => Promise<R>): Promise<R> {
    const session = await this.run(startSession(nodeCrypto, options));
    return this.using(session.handle, () => use(session));
  }

  /**
   * Sends a command that sessions protect. One that uses the same session must be sent after this one has its answer.
   * @param names of the objects and NV indices that the command uses, by handle
   */
  async runInSessions<H extends Fields, P extends Fields, RH extends Fields, R extends Fields>(
    layout: CommandLayout<H, P, RH, R>,
    values: Values<H> & Values<P>,
    uses: readonly Use[],
    names?: HandleNames,
  ): Promise<Values<RH> & Values<R>> {
    return this.run(commandInSessions(nodeCrypto, layout, values, uses, names));
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

  /**
   * Makes use of an EK as its template allows it: by the empty password, or in a policy session with the password of
   * the hierarchy, which is ended whatever happens.
   */
  async #asUserOf<T>(ekHandle: number, use: (ek: Authorization) => Promise<T>): Promise<T> {
    const area = parsePublic((await this.readPublic(ekHandle)).public);
    if ((area.attributes & OBJECT.USER_WITH_AUTH) !== 0) return use(EMPTY_PASSWORD);
    return this.inSession({ kind: 'policy', hash: area.nameAlg, symmetric: null }, async ({ handle }) => {
      const handles = { authHandle: TPM_HANDLE.ENDORSEMENT, policySession: handle };
      const policy = { nonceTpm: NONE, cpHashA: NONE, policyRef: NONE, expiration: 0 };
      await this.run(command(policySecret, { ...handles, ...policy }, [EMPTY_PASSWORD]));
      return use(policyAuthorization(handle));
    });
  }
}

/** A session that cannot be ended must not hide why the command before failed. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof SystemError)) throw error;
}

function creationOf(template: PublicArea): {
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
