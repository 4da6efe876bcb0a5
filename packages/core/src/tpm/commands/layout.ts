import { ByteReader, ByteWriter, concat } from '../../bytes/index.ts';
import { FormatError } from '../../errors/index.ts';
import { encode, record, sized, u32, u8, type Codec, type Fields, type Values } from '../codec.ts';
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

/** TPMS_AUTH_RESPONSE. */
export const authorizationResponse = record({ nonce: sized(MAX_NAME), attributes: u8, hmac: sized(MAX_NAME) });

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
  const body = new ByteWriter();
  record(layout.handles).write(body, values);
  if (authorizations.length > 0) {
    const area = concat(authorizations.map((each) => encode(authorization, each)));
    body.u32(area.length).bytes(area);
  }
  record(layout.parameters).write(body, values);
  const tag = authorizations.length > 0 ? TPM_ST.SESSIONS : TPM_ST.NO_SESSIONS;
  return {
    name: `TPM2_${layout.name}`,
    bytes: message(tag, layout.code, body.finish()),
    decode: (response) => decodeResponse(layout, response),
  };
}

/** A header and what follows it; `code` is a command code, or a response code. */
export function message(tag: number, code: number, body: Uint8Array): Uint8Array<ArrayBuffer> {
  return new ByteWriter()
    .u16(tag)
    .u32(10 + body.length)
    .u32(code)
    .bytes(body)
    .finish();
}

function decodeResponse<RH extends Fields, R extends Fields>(
  layout: { readonly name: string; readonly authorizations: number; readonly resultHandles: RH; readonly results: R },
  response: Uint8Array,
): Values<RH> & Values<R> {
  const code = responseCodeOf(response);
  const reader = new ByteReader(response, `response to TPM2_${layout.name}`);
  const tag = reader.u16('tag');
  const size = reader.length32('responseSize', MAX_MESSAGE);
  reader.u32('responseCode');
  if (size !== response.length) throw malformed(layout.name, `size ${size} in ${response.length} bytes`);
  if (code !== TPM_RC.SUCCESS) throw new TpmResponseError(`TPM2_${layout.name}`, code);
  const withSessions = layout.authorizations > 0;
  if (tag !== (withSessions ? TPM_ST.SESSIONS : TPM_ST.NO_SESSIONS)) throw malformed(layout.name, `tag ${tag}`);
  const handles = record(layout.resultHandles).read(reader, 'handles');
  const parameterSize = withSessions ? reader.length32('parameterSize', reader.remaining) : reader.remaining;
  const parameters = new ByteReader(reader.take(parameterSize, 'parameters'), `results of TPM2_${layout.name}`);
  const results = record(layout.results).read(parameters, 'results');
  parameters.end();
  for (let i = 0; i < layout.authorizations; i++) authorizationResponse.read(reader, 'authorization');
  reader.end();
  return { ...handles, ...results };
}

function malformed(name: string, what: string): FormatError {
  return new FormatError('TPM-STRUCTURE', `response to TPM2_${name}: ${what}`);
}
