import { createPublicKey } from 'node:crypto';
import { fromHex, toBase64 } from '@assay/core/bytes';
import { keyBindingDigest } from '@assay/core/evidence';
import { newSigningKey, nodeHasher } from '@assay/core/node';
import type { Tpm } from '@assay/linux/tpm';
import { CertificateReply, Challenge, ProblemError, ROUTES, type ApiClient } from '@assay/wire';
import type { HostKeys } from './keys.ts';
import { quotedEvidence } from './quote.ts';
import type { TlsTransport } from './transport.ts';

const MILLISECONDS = 1000;

/**
 * The certificate of this host, for a key that is in this process only: it is never written anywhere, and another start of
 * the agent makes another. It is renewed when half of its time is over.
 */
export class CertificateKeeper {
  readonly #tpm: Tpm;
  readonly #keys: HostKeys;
  readonly #transport: TlsTransport;
  /** On the clock of this process, which nobody sets; infinite where the verifier gives hosts none. */
  #renewAt = 0;

  constructor(tpm: Tpm, keys: HostKeys, transport: TlsTransport) {
    this.#tpm = tpm;
    this.#keys = keys;
    this.#transport = transport;
  }

  /** Has a certificate that is good for longer than a round takes. @throws ProblemError, SystemError */
  async keep(client: ApiClient): Promise<void> {
    if (performance.now() < this.#renewAt) return;
    const asked = performance.now();
    const reply = await this.#ask(client);
    this.#renewAt = reply === null ? Infinity : asked + (reply.lifetimeSeconds * MILLISECONDS) / 2;
  }

  async #ask(client: ApiClient): Promise<CertificateReply | null> {
    const key = newSigningKey();
    const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
    const { session, nonce, selection } = await client.call(ROUTES.challenge, Challenge, { body: {} });
    const { akHandle, akName } = this.#keys;
    const extraData = keyBindingDigest(nodeHasher, { nonce: fromHex(nonce), session, akName }, spki);
    const quoted = await quotedEvidence(this.#tpm, akHandle, extraData, selection);
    const body = { session, key: toBase64(spki), ...quoted };
    try {
      const reply = await client.call(ROUTES.certificate, CertificateReply, { body });
      const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
      this.#transport.show({ key: pem, certificate: reply.certificate });
      return reply;
    } catch (error) {
      if (error instanceof ProblemError && error.problem.code === 'REQUEST-NOT-FOUND') return null;
      throw error;
    }
  }
}
