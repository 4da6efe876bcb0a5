import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { request } from 'node:https';
import { test, type TestContext } from 'node:test';
import { toBase64 } from '@assay/core/bytes';
import { parsePublicKey } from '@assay/core/keys';
import { certificateBy, newSigningKey } from '@assay/core/node';
import { certificatePem, parseCertificates } from '@assay/core/x509';
import { SimulatedHost } from '@assay/testkit/evidence';
import type { Verifier, VerifierOptions } from '@assay/verifier';
import {
  ActivateReply,
  CertificateReply,
  Challenge,
  EnrolReply,
  EvidenceReply,
  Health,
  route,
  ROUTES,
  type CertificateRequest,
} from '@assay/wire';
import { content, enrol } from './machine.ts';
import { post, refusal, service, TOKENS, type Answer } from './service.ts';

const HOUR_MILLISECONDS = 3_600_000;

interface Identity {
  readonly key: string;
  readonly certificate: string;
}

const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const spkiOf = (key: KeyObject | string): Buffer => createPublicKey(key).export({ type: 'spki', format: 'der' });

async function selfSigned(name: string, purpose: 'authority' | 'client'): Promise<Identity> {
  const key = newSigningKey();
  const notBefore = new Date(Date.now() - HOUR_MILLISECONDS);
  const notAfter = new Date(Date.now() + 48 * HOUR_MILLISECONDS);
  const parameters = { name, publicKey: parsePublicKey(spkiOf(key)), notBefore, notAfter, purpose: { kind: purpose } };
  return { key: pemOf(key), certificate: certificatePem(await certificateBy({ key }, parameters)) };
}

/** A certificate of 127.0.0.1 by an authority. */
async function serverIdentity(authority: Identity): Promise<Identity> {
  const key = newSigningKey();
  const [issuer] = parseCertificates(authority.certificate);
  const certificate = {
    subject: issuer?.subject ?? new Uint8Array(),
    keyIdentifier: issuer?.subjectKeyIdentifier ?? new Uint8Array(),
  };
  const purpose = { kind: 'server', names: ['localhost'], addresses: [Uint8Array.of(127, 0, 0, 1)] } as const;
  const times = {
    notBefore: new Date(Date.now() - HOUR_MILLISECONDS),
    notAfter: new Date(Date.now() + HOUR_MILLISECONDS),
  };
  const parameters = { name: 'verifier', publicKey: parsePublicKey(spkiOf(key)), ...times, purpose };
  const der = await certificateBy({ key: createPrivateKey(authority.key), certificate }, parameters);
  return { key: pemOf(key), certificate: certificatePem(der) };
}

/** A verifier that is asked over TLS, and its authority. */
class TlsService {
  readonly verifier: Verifier;
  /** What the verifier itself shows. */
  readonly server: Identity;
  readonly #authority: string;

  private constructor(verifier: Verifier, server: Identity, authority: string) {
    this.verifier = verifier;
    this.server = server;
    this.#authority = authority;
  }

  static async start(t: TestContext, options: Partial<VerifierOptions> = {}): Promise<TlsService> {
    const authority = await selfSigned('Assay verifier', 'authority');
    const server = await serverIdentity(authority);
    const tls = { ...server, hostAuthority: authority };
    return new TlsService(await service(t, { tls, ...options }), server, authority.certificate);
  }

  /** A connection of its own, that shows the certificate. */
  call(path: string, token?: string, body?: unknown, shows?: Identity): Promise<Answer> {
    const headers = {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const identity = shows === undefined ? {} : { key: shows.key, cert: shows.certificate };
    const method = body === undefined ? 'GET' : 'POST';
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const options = { method, headers, agent: false, ca: this.#authority, ...identity } as const;
    const sent = request(`${this.verifier.url}${path}`, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      );
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
    return promise;
  }

  async enrol(name: string): Promise<TlsAgent> {
    const host = await SimulatedHost.boot({ name });
    const begun = content(await this.call(ROUTES.enrol, TOKENS.join, await host.enrolRequest()), EnrolReply);
    const answer = { secret: await host.openCredential(begun) };
    const reply = content(await this.call(route(ROUTES.activate, begun.enrolment), undefined, answer), ActivateReply);
    return new TlsAgent(this, host, reply);
  }
}

class TlsAgent {
  readonly host: SimulatedHost;
  readonly token: string;
  readonly #service: TlsService;

  constructor(tls: TlsService, host: SimulatedHost, { token }: ActivateReply) {
    this.#service = tls;
    this.host = host;
    this.token = token;
  }

  async challenge(): Promise<Challenge> {
    return content(await this.#service.call(ROUTES.challenge, this.token, {}), Challenge);
  }

  askCertificate(body: CertificateRequest, token = this.token): Promise<Answer> {
    return this.#service.call(ROUTES.certificate, token, body);
  }

  async certified(): Promise<Identity> {
    const key = newSigningKey();
    const body = await this.host.certificateRequest(await this.challenge(), spkiOf(key));
    const { certificate } = content(await this.askCertificate(body), CertificateReply);
    return { key: pemOf(key), certificate };
  }

  async attest(shows?: Identity, token = this.token): Promise<Answer> {
    return this.#service.call(ROUTES.evidence, token, await this.host.evidence(await this.challenge()), shows);
  }
}

test('over TLS a host attests with its token and its certificate; people need no certificate', async (t) => {
  const tls = await TlsService.start(t);
  assert.match(tls.verifier.url, /^https:/);
  assert.equal(content(await tls.call(ROUTES.health), Health).status, 'ok');
  const agent = await tls.enrol('web-03');
  const identity = await agent.certified();
  assert.equal(content(await agent.attest(identity), EvidenceReply).verified, true);
  assert.equal((await tls.call(ROUTES.agentResult, agent.token, undefined, identity)).status, 200);
});

test('a request of a host is refused without a certificate, and with one of anybody else', async (t) => {
  let now = new Date();
  const tls = await TlsService.start(t, { now: () => now });
  const [agent, other] = [await tls.enrol('web-03'), await tls.enrol('web-04')];
  const own = await agent.certified();
  const foreign = await selfSigned('Assay verifier', 'authority');
  assert.equal(refusal(await agent.attest()), '403 CERT-MISSING');
  assert.equal(refusal(await tls.call(ROUTES.agentResult, agent.token)), '403 CERT-MISSING');
  assert.equal(refusal(await agent.attest(await other.certified())), '403 CERT-HOST');
  assert.equal(refusal(await agent.attest(own, other.token)), '403 CERT-HOST');
  assert.equal(refusal(await agent.attest(await selfSigned('web-03', 'client'))), '403 CERT-CHAIN');
  assert.equal(refusal(await agent.attest(foreign)), '403 CERT-SIGNATURE', 'of the same name as the authority');
  assert.equal(refusal(await agent.attest(tls.server)), '403 CERT-USE', 'what the verifier itself shows');
  now = new Date(now.getTime() + 12 * HOUR_MILLISECONDS + 1000);
  assert.equal(refusal(await agent.attest(own)), '403 CERT-VALIDITY');
  assert.equal((await agent.attest(await agent.certified())).status, 200);
});

test('a certificate is for a key over which the TPM of the host signs the challenge, once', async (t) => {
  const tls = await TlsService.start(t);
  const [agent, other] = [await tls.enrol('web-03'), await tls.enrol('web-04')];
  const [key, another] = [spkiOf(newSigningKey()), spkiOf(newSigningKey())];
  const asked = async () => agent.host.certificateRequest(await agent.challenge(), key);
  const good = await asked();
  assert.equal((await agent.askCertificate(good)).status, 201);
  assert.equal(refusal(await agent.askCertificate(good)), '409 QUOTE-NONCE', 'a second time');
  const changed = await agent.askCertificate({ ...(await asked()), key: toBase64(another) });
  assert.equal(refusal(changed), '409 QUOTE-NONCE', 'another key than the one signed');
  assert.equal(refusal(await agent.askCertificate(await asked(), other.token)), '409 QUOTE-NONCE');
  const byOther = await other.host.certificateRequest(await agent.challenge(), key);
  assert.equal(refusal(await agent.askCertificate(byOther)), '422 QUOTE-SIGNATURE');
  const evidence = await agent.host.evidence(await agent.challenge());
  const { session, quote, pcrs } = evidence;
  const asEvidence = await agent.askCertificate({ session, quote, pcrs, key: toBase64(key) });
  assert.equal(refusal(asEvidence), '409 QUOTE-NONCE', 'evidence asks for no certificate');
  assert.equal(refusal(await agent.askCertificate({ ...(await asked()), key: 'AAAA' })), '422 DER-FORM');
  const noToken = await tls.call(ROUTES.certificate, undefined, good);
  assert.equal(refusal(noToken), '401 REQUEST-UNAUTHENTICATED');
});

test('hosts of a verifier without TLS have no certificates', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  const body = await agent.host.certificateRequest(agent.challenge, spkiOf(newSigningKey()));
  assert.equal(refusal(await post(verifier, ROUTES.certificate, agent.token, body)), '404 REQUEST-NOT-FOUND');
  assert.equal((await agent.attest()).verified, true, 'the challenge is not used up');
});
