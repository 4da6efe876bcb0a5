import { ByteWriter, concat, equalBytes } from '../bytes/index.ts';
import { SystemError } from '../errors/index.ts';
import { hashAlgorithm, type Hasher, type HashName } from '../hash/index.ts';
import { encode, record, type Fields, type Values } from './codec.ts';
import { CONTINUE_SESSION, startAuthSession, type Authorization, type TpmCommand } from './commands/index.ts';
import { command, commandBytes, readResponse, resultsOf, type CommandLayout } from './commands/layout.ts';
import { TPM_HANDLE, TPM_HT, TPM_SE } from './constants.ts';
import { makeSeed } from './credential.ts';
import { kdfA } from './kdf.ts';
import type { CredentialCrypto } from './ports.ts';
import type { AesCfb } from './structures/algorithms.ts';
import { publicKeyOf, type ParsedPublic } from './structures/public.ts';

export interface SessionPorts {
  readonly hasher: Hasher;
  readonly credentials: CredentialCrypto;
}

export interface SessionOptions {
  readonly kind: 'hmac' | 'policy' | 'trial';
  /** Hash of the HMACs and of the policy; a policy session needs the name algorithm of the object. */
  readonly hash: HashName;
  /** Cipher of parameters; null where none is to be encrypted. */
  readonly symmetric: AesCfb | null;
  /**
   * A loaded decryption key of the TPM. Who listens to the bus cannot tell the session's key then; against one who
   * changes what is on the bus, its public area must be known from elsewhere.
   */
  readonly salt?: { readonly handle: number; readonly public: ParsedPublic };
  /** An entity whose password enters the key of the session. */
  readonly bind?: { readonly handle: number; readonly name: Uint8Array; readonly authValue: Uint8Array };
}

/** TPMA_SESSION (TPM 2.0 Part 2, clause 8.4). */
const SESSION = { DECRYPT: 0x20, ENCRYPT: 0x40, AUDIT: 0x80 } as const;
const KINDS = { hmac: TPM_SE.HMAC, policy: TPM_SE.POLICY, trial: TPM_SE.TRIAL } as const;
const NONE = new Uint8Array(0);
const IV_BITS = 128;

/** A session that is open in a TPM (TPM 2.0 Part 1, clause 19.6). `startSession` makes one. */
class Session {
  readonly handle: number;
  readonly hash: HashName;
  readonly symmetric: AesCfb | null;
  /** Empty for a session that is neither salted nor bound. */
  readonly key: Uint8Array;
  /** Name of the entity that it is bound to. */
  readonly boundTo: Uint8Array | null;
  nonceTpm: Uint8Array;

  constructor(handle: number, options: SessionOptions, key: Uint8Array, nonceTpm: Uint8Array) {
    this.handle = handle;
    this.hash = options.hash;
    this.symmetric = options.symmetric;
    this.key = key;
    this.boundTo = options.kind === 'hmac' ? (options.bind?.name ?? null) : null;
    this.nonceTpm = nonceTpm;
  }
}

export type AuthSession = Session;

/** One session of a command, in the place of the handle that it authorizes, or after those for its other uses. */
export interface SessionUse {
  readonly session: AuthSession;
  /** Password of the entity that an HMAC session authorizes, or for which a policy says PolicyAuthValue. */
  readonly authValue?: Uint8Array;
  /** Password of an entity for which a policy says PolicyPassword: it is sent as it is. */
  readonly password?: Uint8Array;
  /** Encrypts the first parameter on its way to the TPM. */
  readonly encryptCommand?: boolean;
  /** Encrypts the first parameter on its way back. */
  readonly encryptResponse?: boolean;
  readonly audit?: boolean;
  /** The session ends with a command that succeeds. */
  readonly last?: boolean;
}

/** TPM2_StartAuthSession, and the session that its answer opens. */
export function startSession(ports: SessionPorts, options: SessionOptions): TpmCommand<AuthSession> {
  const { hash, symmetric, salt, bind } = options;
  const seed =
    salt === undefined ? undefined : makeSeed(ports, publicKeyOf(salt.public), salt.public.nameAlg, 'SECRET');
  const nonceCaller = ports.credentials.random(hashAlgorithm(hash).size);
  const start = command(startAuthSession, {
    tpmKey: salt?.handle ?? TPM_HANDLE.NULL,
    bind: bind?.handle ?? TPM_HANDLE.NULL,
    nonceCaller,
    encryptedSalt: seed?.encrypted ?? NONE,
    sessionType: KINDS[options.kind],
    symmetric,
    authHash: hash,
  });
  return {
    ...start,
    decode(response) {
      const { sessionHandle, nonceTpm } = start.decode(response);
      const secret = concat([withoutTrailingZeros(bind?.authValue ?? NONE), seed?.seed ?? NONE]);
      const bits = hashAlgorithm(hash).size * 8;
      const hasKey = salt !== undefined || bind !== undefined;
      const key = hasKey ? kdfA(ports.hasher, hash, secret, 'ATH', nonceTpm, nonceCaller, bits) : NONE;
      return new Session(sessionHandle, options, key, nonceTpm.slice());
    },
  };
}

/** Who uses the handles of a command: passwords as they are, and sessions. */
export type Use = Authorization | SessionUse;

/** Names of entities by handle, as sessions cover them; hierarchies, PCRs and sessions need none. */
export type HandleNames = ReadonlyMap<number, Uint8Array>;

/**
 * A command whose authorizations, first parameters and answer sessions protect (TPM 2.0 Part 1, clauses 16 to 19).
 * Its bytes hold for one answer: sent again after RETRY they are right, after any other answer they are not.
 * `decode` throws SystemError TPM-SESSION too, where the answer does not carry the right HMAC.
 * @throws Error where a name is missing or no parameter can be encrypted, which is a mistake of the caller
 */
export function commandInSessions<H extends Fields, P extends Fields, RH extends Fields, R extends Fields>(
  ports: SessionPorts,
  layout: CommandLayout<H, P, RH, R>,
  values: Values<H> & Values<P>,
  uses: readonly Use[],
  names: HandleNames = new Map(),
): TpmCommand<Values<RH> & Values<R>> {
  const handles = encode(record(layout.handles), values);
  const entities = entityNames(handles, names);
  const seats = uses.map((use, index) => seatOf(ports, use, entities[index], index < layout.authorizations));
  const plain = encode(record(layout.parameters), values);
  const parameters = encryptFirst(ports, plain, seats.find(isEncrypting));
  const authorizations = seats.map((seat, index) => {
    if (!('use' in seat)) return seat;
    const cpHash = ports.hasher.digest(seat.session.hash, codeBytes(layout.code), ...entities, parameters);
    return authorizationOf(ports.hasher, seat, cpHash, index === 0 ? otherNonces(seats) : NONE);
  });
  return {
    name: `TPM2_${layout.name}`,
    bytes: commandBytes(layout, { handles, authorizations, parameters }),
    decode(response) {
      const answer = readResponse(layout, response, seats.length);
      for (const [index, seat] of seats.entries()) {
        if ('use' in seat) accept(ports.hasher, layout, seat, answer.authorizations[index], answer.parameters);
      }
      const results = decryptFirst(ports, answer.parameters, seats.find(isDecrypting));
      return resultsOf(layout, answer.handles, results);
    },
  };
}

/** A session in one command. */
interface Seat {
  readonly use: SessionUse;
  readonly session: AuthSession;
  readonly nonceCaller: Uint8Array;
  /** TPMA_SESSION. */
  readonly attributes: number;
  /** Key of its HMACs. */
  readonly hmacKey: Uint8Array;
  /** Key of its parameters' keys (TPM 2.0 Part 1, clause 21.2). */
  readonly value: Uint8Array;
}

function seatOf(
  ports: SessionPorts,
  use: Use,
  entity: Uint8Array | undefined,
  authorizes: boolean,
): Seat | Authorization {
  if (!('session' in use)) return use;
  const { session } = use;
  const authValue = authorizes ? withoutTrailingZeros(use.authValue ?? NONE) : NONE;
  const isBound = session.boundTo !== null && entity !== undefined && equalBytes(session.boundTo, entity);
  return {
    use,
    session,
    nonceCaller: ports.credentials.random(hashAlgorithm(session.hash).size),
    attributes:
      (use.last === true ? 0 : CONTINUE_SESSION) |
      (use.encryptCommand === true ? SESSION.DECRYPT : 0) |
      (use.encryptResponse === true ? SESSION.ENCRYPT : 0) |
      (use.audit === true ? SESSION.AUDIT : 0),
    hmacKey: concat([session.key, isBound ? NONE : authValue]),
    value: concat([session.key, authValue]),
  };
}

function authorizationOf(hasher: Hasher, seat: Seat, cpHash: Uint8Array, others: Uint8Array): Authorization {
  const { session, nonceCaller, attributes, hmacKey, use } = seat;
  const parts = [cpHash, nonceCaller, session.nonceTpm, others, Uint8Array.of(attributes)];
  const hmac = hmacKey.length === 0 ? NONE : hasher.hmac(session.hash, hmacKey, ...parts);
  return { sessionHandle: session.handle, nonce: nonceCaller, attributes, hmac: use.password ?? hmac };
}

/** Checks the TPM's HMAC and takes its new nonce. */
function accept(
  hasher: Hasher,
  layout: { readonly name: string; readonly code: number },
  seat: Seat,
  answer: { readonly nonce: Uint8Array; readonly attributes: number; readonly hmac: Uint8Array } | undefined,
  parameters: Uint8Array,
): void {
  const { session, hmacKey, nonceCaller, use } = seat;
  if (answer === undefined) throw wrongAnswer(layout.name);
  const rpHash = hasher.digest(session.hash, codeBytes(0), codeBytes(layout.code), parameters);
  const parts = [rpHash, answer.nonce, nonceCaller, Uint8Array.of(answer.attributes)];
  const isPlain = hmacKey.length === 0 || use.password !== undefined;
  const expected = isPlain ? NONE : hasher.hmac(session.hash, hmacKey, ...parts);
  if (!equalBytes(answer.hmac, expected)) throw wrongAnswer(layout.name);
  session.nonceTpm = answer.nonce.slice();
}

function wrongAnswer(name: string): SystemError {
  return new SystemError('TPM-SESSION', `the answer to TPM2_${name} does not carry the HMAC of its session`);
}

/** The first session also covers the nonces of those that encrypt (TPM 2.0 Part 1, clause 19.6.5). */
function otherNonces(seats: readonly (Seat | Authorization)[]): Uint8Array {
  const encrypting = seats.findIndex(isEncrypting);
  const decrypting = seats.findIndex(isDecrypting);
  const others = [...new Set([encrypting, decrypting])].filter((index) => index > 0);
  return concat(
    others.flatMap((index) => seats.slice(index, index + 1)).flatMap((s) => ('use' in s ? [s.session.nonceTpm] : [])),
  );
}

function isEncrypting(seat: Seat | Authorization): seat is Seat {
  return 'use' in seat && seat.use.encryptCommand === true;
}

function isDecrypting(seat: Seat | Authorization): seat is Seat {
  return 'use' in seat && seat.use.encryptResponse === true;
}

function encryptFirst(ports: SessionPorts, parameters: Uint8Array, seat: Seat | undefined): Uint8Array {
  if (seat === undefined) return parameters;
  const { session, nonceCaller } = seat;
  const { key, iv } = parameterKey(ports.hasher, seat, nonceCaller, session.nonceTpm);
  return overFirst(parameters, (bytes) => ports.credentials.cfbEncrypt(key, bytes, iv));
}

/** After `accept`: the session has the TPM's new nonce. */
function decryptFirst(ports: SessionPorts, parameters: Uint8Array, seat: Seat | undefined): Uint8Array {
  if (seat === undefined) return parameters;
  const { session, nonceCaller } = seat;
  const { key, iv } = parameterKey(ports.hasher, seat, session.nonceTpm, nonceCaller);
  return overFirst(parameters, (bytes) => ports.credentials.cfbDecrypt(key, bytes, iv));
}

/** TPM 2.0 Part 1, clause 21.3. */
function parameterKey(
  hasher: Hasher,
  { session, value }: Seat,
  nonceNewer: Uint8Array,
  nonceOlder: Uint8Array,
): { key: Uint8Array; iv: Uint8Array } {
  if (session.symmetric === null) throw new Error('this session has no cipher for parameters');
  const { keyBits } = session.symmetric;
  const both = kdfA(hasher, session.hash, value, 'CFB', nonceNewer, nonceOlder, keyBits + IV_BITS);
  return { key: both.subarray(0, keyBits / 8), iv: both.subarray(keyBits / 8) };
}

/** Replaces the content of the TPM2B that is the first parameter. */
function overFirst(parameters: Uint8Array, change: (content: Uint8Array) => Uint8Array): Uint8Array {
  const size = ((parameters[0] ?? 0) << 8) | (parameters[1] ?? 0);
  if (parameters.length < 2 + size) throw new Error('the first parameter is not one that can be encrypted');
  return concat([parameters.subarray(0, 2), change(parameters.subarray(2, 2 + size)), parameters.subarray(2 + size)]);
}

/** Names as cpHash has them: of what has no public area, the handle (TPM 2.0 Part 1, clause 16). */
function entityNames(handles: Uint8Array, names: HandleNames): Uint8Array[] {
  const view = new DataView(handles.buffer, handles.byteOffset, handles.length);
  return Array.from({ length: handles.length / 4 }, (_, index) => {
    const handle = view.getUint32(4 * index);
    const type = handle >>> 24;
    const hasName = type === TPM_HT.NV_INDEX || type === TPM_HT.TRANSIENT || type === TPM_HT.PERSISTENT;
    const name = hasName ? names.get(handle) : handles.subarray(4 * index, 4 * index + 4);
    if (name === undefined) throw new Error(`the name of handle 0x${handle.toString(16)} is not known`);
    return name;
  });
}

function codeBytes(code: number): Uint8Array {
  return new ByteWriter().u32(code).finish();
}

/** A TPM drops zeros at the end of passwords (TPM 2.0 Part 1, clause 19.6.5). */
function withoutTrailingZeros(authValue: Uint8Array): Uint8Array {
  return authValue.subarray(0, authValue.findLastIndex((byte) => byte !== 0) + 1);
}
