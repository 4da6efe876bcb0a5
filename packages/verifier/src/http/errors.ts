import type { Socket } from 'node:net';
import { FormatError, VerificationError } from '@assay/core/errors';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { RequestProblem, type ProblemCode } from '../problem.ts';
import { withoutRepeats } from '../log.ts';
import { isUnavailable } from '../store/unavailable.ts';

const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';
const ISSUES_SHOWN = 3;
/** Of what the framework says, in which a path may stand. */
const DETAIL_LENGTH = 300;
/** A verifier that is started again is there by then. */
const RETRY_SECONDS = 2;
const AGAIN: ReadonlySet<ProblemCode> = new Set(['VERIFIER-STOPPING', 'STORE-UNAVAILABLE']);

/** Answers every error of every route as a problem, and logs those that are the verifier's own. */
export function errorHandler(log: (line: string) => void) {
  const seldom = withoutRepeats(log);
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    const problem = problemOf(error);
    if (problem.code === 'VERIFIER-ERROR') log(`${request.method} ${request.url}: ${error.stack ?? error.message}`);
    if (problem.code === 'STORE-UNAVAILABLE') seldom(`requests: the store does not answer: ${error.message}`);
    sendProblem(reply, problem);
  };
}

export function sendProblem(reply: FastifyReply, problem: RequestProblem): FastifyReply {
  if (problem.code === 'REQUEST-UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer realm="assay"');
  if (AGAIN.has(problem.code)) reply.header('retry-after', RETRY_SECONDS);
  // Already a string: the schema of a route's good answers does not apply.
  return reply.code(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem.document()));
}

function problemOf(error: FastifyError): RequestProblem {
  if (error instanceof RequestProblem) return error;
  if (error instanceof FormatError || error instanceof VerificationError) {
    return new RequestProblem(error.code, error.message, { cause: error });
  }
  if (hasZodFastifySchemaValidationErrors(error)) {
    const issues = error.validation.map((issue) => `${issue.instancePath || '/'}: ${issue.message ?? 'is not valid'}`);
    return new RequestProblem('REQUEST-INVALID', issues.slice(0, ISSUES_SHOWN).join('; '), { cause: error });
  }
  if (isUnavailable(error)) {
    return new RequestProblem('STORE-UNAVAILABLE', 'The store of the verifier does not answer; its log says why.', {
      cause: error,
    });
  }
  const code = codeOfStatus(error.statusCode ?? 500);
  const detail =
    code === 'VERIFIER-ERROR' ? 'The reason is in the log of the verifier.' : error.message.slice(0, DETAIL_LENGTH);
  return new RequestProblem(code, detail, { cause: error });
}

/** The errors of the HTTP framework, by the status that it would answer with. */
function codeOfStatus(status: number): ProblemCode {
  if (status === 413) return 'REQUEST-TOO-LARGE';
  if (status === 415) return 'REQUEST-MEDIA-TYPE';
  if (status === 429) return 'REQUEST-TOO-MANY';
  if (status === 404) return 'REQUEST-NOT-FOUND';
  return status >= 400 && status < 500 ? 'REQUEST-MALFORMED' : 'VERIFIER-ERROR';
}

/** Answers bytes that are not HTTP: there is no request yet, and so no reply object. */
export function answerBadHttp(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const problem = new RequestProblem('REQUEST-MALFORMED', 'The bytes sent are not an HTTP request.');
  const body = JSON.stringify(problem.document());
  const head = [
    'HTTP/1.1 400 Bad Request',
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${[...head, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`);
}
