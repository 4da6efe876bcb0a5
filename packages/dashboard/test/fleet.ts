import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SimulatedHost, simulatedEventLog } from '@assay/testkit/evidence';
import { startVerifier, type Verifier, type VerifierOptions } from '@assay/verifier';
import { ActivateReply, type Challenge, EnrolReply, EvidenceReply, ROUTES, route } from '@assay/wire';

export const TOKENS = { operator: 'the-operators-token', join: 'the-join-token' };

/** Where `npm run build:dashboard` puts the page. */
export const PUBLIC = fileURLToPath(new URL('../../verifier/public', import.meta.url));

/** Options of a verifier that serves the built page and keeps its state in a directory that ends with the test. */
export function verifierOptions(t: TestContext): VerifierOptions {
  const directory = mkdtempSync(join(tmpdir(), 'assay-dashboard-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return { store: `sqlite:${join(directory, 'verifier.db')}`, port: 0, tokens: TOKENS, publicDirectory: PUBLIC };
}

/** The real verifier, by default on a free port with an empty store; it ends with the test, or earlier. */
export async function verifierFor(t: TestContext, options: Partial<VerifierOptions> = {}): Promise<Verifier> {
  const verifier = await startVerifier({ ...verifierOptions(t), ...options });
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= verifier.close());
  t.after(close);
  return { ...verifier, close };
}

async function post(url: string, token: string, body: unknown): Promise<unknown> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return response.json();
}

/** An enrolled host with a simulated TPM that sends what it executes as evidence. */
export class LiveHost {
  readonly host: SimulatedHost;
  private readonly verifier: Verifier;
  private readonly token: string;
  private challenge: Challenge;

  private constructor(
    verifier: Verifier,
    host: SimulatedHost,
    { token, challenge }: Pick<ActivateReply, 'token' | 'challenge'>,
  ) {
    this.verifier = verifier;
    this.host = host;
    this.token = token;
    this.challenge = challenge;
  }

  /** Enrolled, with a list, and no evidence sent yet. */
  static async enrol(t: TestContext, verifier: Verifier, name: string): Promise<LiveHost> {
    const host = await SimulatedHost.boot({ name, eventLog: simulatedEventLog() });
    t.after(() => host.tpm.close());
    const request = await post(verifier.url + ROUTES.enrol, TOKENS.join, await host.enrolRequest());
    const credential = EnrolReply.parse(request);
    const secret = await host.openCredential(credential);
    const activation = verifier.url + route(ROUTES.activate, credential.enrolment);
    return new LiveHost(verifier, host, ActivateReply.parse(await post(activation, TOKENS.join, { secret })));
  }

  /** Another attestation key takes the place of the one that signed so far. */
  async renewKey(): Promise<void> {
    const next = this.host.withAnotherKey();
    const begun = await post(this.verifier.url + ROUTES.renewKey, this.token, await next.enrolRequest());
    const credential = EnrolReply.parse(begun);
    const secret = await next.openCredential(credential);
    ActivateReply.parse(
      await post(this.verifier.url + route(ROUTES.activate, credential.enrolment), this.token, { secret }),
    );
  }

  /** The same host after its power was off and on. The verifier asks for the list from its start when it sees that. */
  async reboot(t: TestContext): Promise<LiveHost> {
    const host = await this.host.reboot();
    t.after(() => host.tpm.close());
    return new LiveHost(this.verifier, host, { token: this.token, challenge: this.challenge });
  }

  async execute(...paths: string[]): Promise<void> {
    for (const path of paths) await this.host.execute(path, `content of ${path}`);
  }

  /** Evidence that verifies, at the second try where the verifier must first learn that a new boot began. */
  async attest(): Promise<void> {
    const first = await this.send();
    const errors = first === null ? null : await this.send();
    if (errors !== null) throw new Error(`refused: ${errors}`);
  }

  /** Sends evidence once. Returns why it was refused, or null. */
  private async send(): Promise<string | null> {
    const evidence = await this.host.evidence(this.challenge);
    const reply = EvidenceReply.parse(await post(this.verifier.url + ROUTES.evidence, this.token, evidence));
    this.challenge = reply.challenge;
    return reply.verified ? null : JSON.stringify(reply.errors);
  }

  async capture(): Promise<void> {
    await post(this.verifier.url + route(ROUTES.captures, this.host.name), TOKENS.operator, {});
  }
}

export const PROGRAMS = ['/usr/lib/systemd/systemd', '/usr/bin/bash', '/usr/sbin/sshd', '/usr/bin/python3.11'];

/** `unverified`: it ran some programs, and nothing says which are good. */
export async function unverifiedHost(t: TestContext, verifier: Verifier, name: string): Promise<LiveHost> {
  const host = await LiveHost.enrol(t, verifier, name);
  await host.execute(...PROGRAMS);
  await host.attest();
  return host;
}

export async function trustedHost(t: TestContext, verifier: Verifier, name: string): Promise<LiveHost> {
  const host = await unverifiedHost(t, verifier, name);
  await host.capture();
  return host;
}

export const TAMPERED = '/tmp/x';

/** `failed`: a program ran that the reference values do not have. */
export async function failedHost(t: TestContext, verifier: Verifier, name: string): Promise<LiveHost> {
  const host = await trustedHost(t, verifier, name);
  await host.execute(TAMPERED);
  await host.attest();
  return host;
}
