import { TLSSocket } from 'node:tls';
import { FormatError, VerificationError } from '@assay/core/errors';
import type { FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import { RequestProblem } from '../problem.ts';
import { agentHostOf } from './guards.ts';

/**
 * Wants the certificate of the host whose token the request has, where the verifier gives hosts certificates. It is looked
 * at with each request: a connection may outlive it.
 * @throws RequestProblem CERT-MISSING, CERT-HOST, or the code of what is wrong with it
 */
export function requireHostCertificate({ hostAuthority, now }: Context): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    if (hostAuthority === null) return;
    const { socket } = request.raw;
    const shown = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
    if (shown === undefined) {
      throw new RequestProblem(
        'CERT-MISSING',
        'The connection shows no certificate; the agent asks for one when it begins.',
      );
    }
    const holder = holderOf(() => hostAuthority.holderOf(shown.raw, now()));
    const { id } = agentHostOf(request);
    if (holder !== id) {
      throw new RequestProblem('CERT-HOST', `The certificate is of ${JSON.stringify(holder)}, the token of ${id}.`);
    }
  };
}

function holderOf(read: () => string): string {
  try {
    return read();
  } catch (error) {
    if (error instanceof VerificationError) throw new RequestProblem(error.code, error.message, { cause: error });
    if (!(error instanceof FormatError)) throw error;
    throw new RequestProblem('CERT-CHAIN', `the certificate cannot be read: ${error.message}`, { cause: error });
  }
}
