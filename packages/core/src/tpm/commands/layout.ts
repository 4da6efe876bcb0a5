import { ByteReader, ByteWriter, concat } from '../../bytes/index.ts';
import { FormatError } from '../../errors/index.ts';
import { decode, encode, record, sized, u32, u8, type Codec, type Fields, type Values } from '../codec.ts';
import { MAX_MESSAGE, MAX_NAME, TPM_HANDLE, TPM_ST } from '../constants.ts';
import { responseCodeOf, TPM_RC, TpmResponseError } from '../responses.ts';

/** One command of TPM 2.0 Part 3: what travels in it and in its answer, in order. */
export interface CommandLayout<H extends Fields, P extends Fields, RH extends Fields, R extends Fields> {
  /** As in Part 3, without "TPM2_" before it. */
  readonly name: string;
  /** TPM_CC. */
  readonly code: number;
  readonly handles: H;
  /** How many of the handles, from the first, need an authorization. */
  readonly authorizations: number;
  readonly parameters: P;
  readonly resultHandles: RH;
  readonly results: R;
}

/** A command ready to be sent. */
export interface TpmCommand<T> {
  readonly name: string;
  readonly bytes: Uint8Array;
  /**
   * @throws TpmResponseError where the TPM refused the command
   * @throws FormatError where the response is not of the form of this command
   */
  decode(response: Uint8Array): T;
}

/** TPMS_AUTH_COMMAND: who uses a handle. */
export interface Authorization {
  readonly sessionHandle: number;
  readonly nonce: Uint8Array;
  /** TPMA_SESSION. */
  readonly attributes: number;
  /** The password itself, or an HMAC. */
  readonly hmac: Uint8Array;
}

/** TPMA_SESSION: the session stays open after the command. */
export const CONTINUE_SESSION = 0x01;

/** The empty password, which all keys and hierarchies have that Assay uses. */
export const EMPTY_PASSWORD: Authorization = {
  sessionHandle: TPM_HANDLE.PASSWORD,
  nonce: new Uint8Array(0),
  attributes: CONTINUE_SESSION,
  hmac: new Uint8Array(0),
};

/** @param password of the entity, as it is: whoever listens to the bus reads it */
export function passwordAuthorization(password: Uint8Array): Authorization {
  return { ...EMPTY_PASSWORD, hmac: password };
}

/** A policy session whose policy asks for no secret of the object itself: it needs no HMAC. */
export function policyAuthorization(sessionHandle: number): Authorization {
  return { ...EMPTY_PASSWORD, sessionHandle };
}

export function defineCommand<H extends Fields, P extends Fields, RH extends Fields, R extends Fields>(
  layout: CommandLayout<H, P, RH, R>,
): CommandLayout<H, P, RH, R> {
  return layout;
}

/** TPMS_AUTH_COMMAND. */
export const authorization: Codec<Authorization> = record({
  sessionHandle: u32,
  nonce: sized(MAX_NAME),
  attributes: u8,
  hmac: sized(MAX_NAME),
});

const authorizationAnswer = { nonce: sized(MAX_NAME), attributes: u8, hmac: sized(MAX_NAME) } as const;

/** TPMS_AUTH_RESPONSE. */
export const authorizationResponse = record(authorizationAnswer);

/**
 * The bytes of a command (TPM 2.0 Part 1, clause 18).
 * @param values of the handles and the parameters, by name
 * @param authorizations one for each handle that needs one
 */
export function command<H extends Fields, P extends Fields, RH extends Fields, R extends Fields>(
  layout: CommandLayout<H, P, RH, R>,
  values: Values<H> & Values<P>,
  authorizations: readonly Authorization[] = [],
): TpmCommand<Values<RH> & Values<R>> {
  return {
    name: `TPM2_${layout.name}`,
    bytes: commandBytes(layout, {
      handles: encode(record(layout.handles), values),
      authorizations,
      parameters: encode(record(layout.parameters), values),
    }),
    decode(response) {
      const { handles, parameters } = readResponse(layout, response, authorizations.length);
      return resultsOf(layout, handles, parameters);
    },
  };
}

/** The parts of a command, encoded. */
export interface CommandParts {
  readonly handles: Uint8Array;
  readonly authorizations: readonly Authorization[];
  readonly parameters: Uint8Array;
}

export function commandBytes(layout: { readonly code: number }, parts: CommandParts): Uint8Array<ArrayBuffer> {
  const area = concat(parts.authorizations.map((each) => encode(authorization, each)));
  const sessions = area.length > 0 ? [encode(sizedArea, area)] : [];
  const tag = area.length > 0 ? TPM_ST.SESSIONS : TPM_ST.NO_SESSIONS;
  return message(tag, layout.code, concat([parts.handles, ...sessions, parts.parameters]));
}

/** The authorizations, with their size in four bytes. */
const sizedArea: Codec<Uint8Array> = {
  read: (r, field) => r.take(r.length32(field, MAX_MESSAGE), field),
  write: (w, area) => void w.u32(area.length).bytes(area),
};

/** A header and what follows it; `code` is a command code, or a response code. */
export function message(tag: number, code: number, body: Uint8Array): Uint8Array<ArrayBuffer> {
  return new ByteWriter()
    .u16(tag)
    .u32(10 + body.length)
    .u32(code)
    .bytes(body)
    .finish();
}

/** The parts of a response: handles and parameters not read yet. */
export interface ResponseParts {
  readonly handles: Uint8Array;
  readonly parameters: Uint8Array;
  readonly authorizations: readonly Values<typeof authorizationAnswer>[];
}

/**
 * @param sessions how many authorizations were sent
 * @throws TpmResponseError, FormatError
 */
export function readResponse(
  layout: { readonly name: string; readonly resultHandles: Fields },
  response: Uint8Array,
  sessions: number,
): ResponseParts {
  const code = responseCodeOf(response);
  const reader = new ByteReader(response, `response to TPM2_${layout.name}`);
  const tag = reader.u16('tag');
  const size = reader.length32('responseSize', MAX_MESSAGE);
  reader.u32('responseCode');
  if (size !== response.length) throw malformed(layout.name, `size ${size} in ${response.length} bytes`);
  if (code !== TPM_RC.SUCCESS) throw new TpmResponseError(`TPM2_${layout.name}`, code);
  if (tag !== (sessions > 0 ? TPM_ST.SESSIONS : TPM_ST.NO_SESSIONS)) throw malformed(layout.name, `tag ${tag}`);
  const handles = reader.take(4 * Object.keys(layout.resultHandles).length, 'handles');
  const parameterSize = sessions > 0 ? reader.length32('parameterSize', reader.remaining) : reader.remaining;
  const parameters = reader.take(parameterSize, 'parameters');
  const authorizations = Array.from({ length: sessions }, () => authorizationResponse.read(reader, 'authorization'));
  reader.end();
  return { handles, parameters, authorizations };
}

/** What a response says, by name. */
export function resultsOf<RH extends Fields, R extends Fields>(
  layout: { readonly name: string; readonly resultHandles: RH; readonly results: R },
  handles: Uint8Array,
  parameters: Uint8Array,
): Values<RH> & Values<R> {
  const structure = `results of TPM2_${layout.name}`;
  return {
    ...decode(record(layout.resultHandles), handles, structure),
    ...decode(record(layout.results), parameters, structure),
  };
}

function malformed(name: string, what: string): FormatError {
  return new FormatError('TPM-STRUCTURE', `response to TPM2_${name}: ${what}`);
}
