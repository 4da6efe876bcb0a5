import { createServer, type Server } from 'node:https';
import type { FastifyServerFactory } from 'fastify';
import type { AuthorityPem } from './host-authority.ts';

/** All in PEM. */
export interface TlsOptions {
  /** The certificate of this server, then those above it. */
  readonly certificate: string;
  readonly key: string;
  /** Signs the certificates of hosts. */
  readonly hostAuthority: AuthorityPem;
}

/** As of plain HTTP here. */
const KEEP_ALIVE_MILLISECONDS = 72_000;

/**
 * A server that asks each client for a certificate and takes connections without one: people and programs have none, and
 * agents are looked at with the request, as their token says whose certificate it has to be.
 */
export function tlsServer({ certificate, key, hostAuthority }: TlsOptions): FastifyServerFactory {
  return (handler): Server => {
    const server = createServer(
      {
        cert: certificate,
        key,
        ca: hostAuthority.certificate,
        requestCert: true,
        rejectUnauthorized: false,
        minVersion: 'TLSv1.2',
      },
      handler,
    );
    server.keepAliveTimeout = KEEP_ALIVE_MILLISECONDS;
    return server;
  };
}
