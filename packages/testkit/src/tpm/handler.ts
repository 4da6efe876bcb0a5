import { ByteReader, ByteWriter, concat } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import {
  authorization,
  encode,
  message,
  record,
  TPM_ST,
  type Authorization,
  type CommandLayout,
  type Fields,
  type Values,
} from '@assay/core/tpm';
import { authorizeAll, endSessions, sessionAnswers } from './authorize.ts';
import { checkHandle, type HandleKind } from './handles.ts';
import type { Machine } from './machine.ts';
import { aboutHandle, aboutParameter, codeOfFormatError, RC, Refusal } from './refusal.ts';

/** One command of this TPM: from what follows its header to its response. */
export interface Handler {
  readonly code: number;
  execute(machine: Machine, tag: number, body: Uint8Array): Uint8Array;
}

/**
 * A handler in the order in which a TPM checks a command (TPM 2.0 Part 3, clause 5): handles, sessions,
 * authorizations, parameters, then what the command does.
 * @param kinds of the handles, in order
 */
export function handler<H extends Fields, P extends Fields, RH extends Fields, R extends Fields>(
  layout: CommandLayout<H, P, RH, R>,
  kinds: readonly HandleKind[],
  run: (machine: Machine, values: Values<H> & Values<P>) => Values<RH> & Values<R>,
): Handler {
  return {
    code: layout.code,
    execute(machine, tag, body) {
      const reader = new ByteReader(body, layout.name);
      const handles = kinds.map((kind, index) => checkHandle(machine, kind, readHandle(reader, index), index));
      const authorizations = readAuthorizations(reader, tag, layout.authorizations);
      authorizeAll(machine, handles, authorizations);
      const parameters = readParameters(layout.parameters, reader);
      const named = record(layout.handles).read(new ByteReader(body, layout.name), 'handles');
      const results = run(machine, { ...named, ...parameters });
      const answers = sessionAnswers(authorizations);
      endSessions(machine, authorizations);
      return response(layout, results, answers);
    },
  };
}

function readHandle(reader: ByteReader, index: number): number {
  if (reader.remaining < 4) throw aboutHandle(RC.INSUFFICIENT, index);
  return reader.u32('handle');
}

function readAuthorizations(reader: ByteReader, tag: number, needed: number): Authorization[] {
  if (tag === TPM_ST.NO_SESSIONS) {
    if (needed > 0) throw new Refusal(RC.AUTH_MISSING);
    return [];
  }
  const size = reader.remaining < 4 ? -1 : reader.u32('authorizationSize');
  if (size < 9 || size > reader.remaining) throw new Refusal(RC.AUTHSIZE);
  const area = new ByteReader(reader.take(size, 'authorizations'), 'authorizations');
  const all: Authorization[] = [];
  while (area.remaining > 0) all.push(readAuthorization(area, all.length));
  if (all.length < needed) throw new Refusal(RC.AUTH_MISSING);
  if (all.length > needed) throw new Refusal(RC.AUTH_CONTEXT);
  return all;
}

function readAuthorization(area: ByteReader, index: number): Authorization {
  try {
    return authorization.read(area, 'authorization');
  } catch (error) {
    if (error instanceof FormatError) throw new Refusal(codeOfFormatError(error) + 0x800 + ((index + 1) << 8));
    throw error;
  }
}

function readParameters<P extends Fields>(fields: P, reader: ByteReader): Values<P> {
  const start = reader.offset;
  for (const [index, [name, codec]] of Object.entries(fields).entries()) {
    try {
      codec.read(reader, name);
    } catch (error) {
      if (error instanceof FormatError) throw aboutParameter(codeOfFormatError(error), index);
      throw error;
    }
  }
  if (reader.remaining > 0) throw new Refusal(RC.SIZE);
  return record(fields).read(new ByteReader(reader.bytes, 'parameters', { offset: start }), 'parameters');
}

function response<RH extends Fields, R extends Fields>(
  layout: { readonly resultHandles: RH; readonly results: R },
  results: Values<RH> & Values<R>,
  answers: readonly Uint8Array[],
): Uint8Array {
  const handles = encode(record(layout.resultHandles), results);
  const parameters = encode(record(layout.results), results);
  if (answers.length === 0) return message(TPM_ST.NO_SESSIONS, 0, concat([handles, parameters]));
  const size = new ByteWriter().u32(parameters.length).finish();
  return message(TPM_ST.SESSIONS, 0, concat([handles, size, parameters, ...answers]));
}
