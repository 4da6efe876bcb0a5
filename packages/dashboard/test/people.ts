import { createHash } from 'node:crypto';
import type { TestContext } from 'node:test';
import type { Verifier, VerifierOptions } from '@assay/verifier';
import { PolicyReply, type Role, ROUTES, route, TokenReply } from '@assay/wire';
import { canonicalJson } from '@assay/core/bytes';
import { emptyReference, pooled } from '@assay/core/reference';
import { LiveHost, PROGRAMS, TOKENS, verifierFor } from './fleet.ts';

/** A verifier to which no evidence is stale while a test runs, however slow the machine is. */
export function patientVerifier(t: TestContext, options: Partial<VerifierOptions> = {}): Promise<Verifier> {
  return verifierFor(t, { staleAfterSeconds: 86_400, ...options });
}

export async function post(verifier: Verifier, path: string, token: string, body: unknown): Promise<unknown> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const response = await fetch(verifier.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return response.json();
}

/** The token of a person of a role. */
export async function tokenOf(verifier: Verifier, name: string, role: Role): Promise<string> {
  return TokenReply.parse(await post(verifier, ROUTES.tokens, TOKENS.operator, { name, role })).secret;
}

/** As a simulated host measures a program. */
export const digestOf = (content: string): string => `sha256:${createHash('sha256').update(content).digest('hex')}`;
export const programDigest = (path: string): string => digestOf(`content of ${path}`);

/** A policy in which these programs are good, in force for these hosts. */
export async function policyInForce(
  verifier: Verifier,
  name: string,
  hosts: readonly string[],
  programs: readonly string[] = PROGRAMS,
): Promise<void> {
  const items = programs.map((path) => ({ path, digest: programDigest(path) }));
  const pool = { id: 'base_1_amd64', kind: 'package', name: 'base', version: '1', architecture: 'amd64' } as const;
  const document = {
    ...emptyReference(name, 1, '2026-01-01T00:00:00Z'),
    pools: [{ ...pool, digests: pooled(items) }],
  };
  await post(verifier, ROUTES.policies, TOKENS.operator, { document: canonicalJson(document) });
  PolicyReply.parse(await post(verifier, route(ROUTES.policyActivation, name), TOKENS.operator, { version: 1, hosts }));
}

/** Hosts under one policy, all of which ran what it has. */
export async function hostsUnderPolicy(
  t: TestContext,
  verifier: Verifier,
  policy: string,
  names: readonly string[],
): Promise<LiveHost[]> {
  const hosts: LiveHost[] = [];
  for (const name of names) {
    const host = await LiveHost.enrol(t, verifier, name);
    await host.execute(...PROGRAMS);
    await host.attest();
    hosts.push(host);
  }
  await policyInForce(verifier, policy, names);
  return hosts;
}
