import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { utf8 } from '@assay/core/bytes';
import { encodeEnvelope, preAuthEncoding } from '@assay/core/dsse';
import { checkedReference, emptyReference, pooled, REFERENCE_PAYLOAD_TYPE } from '@assay/core/reference';
import { SimulatedHost } from '@assay/testkit/evidence';
import { AuditPage, PolicyList, PolicyReply, route, ROUTES } from '@assay/wire';
import { directorySource, gitSource, type PolicySource } from '@assay/verifier/policies';
import type { Verifier, VerifierOptions } from '@assay/verifier';
import { content, enrol, type TestAgent } from './machine.ts';
import { call, newStore, post, problemIn, refusal, service, TOKENS } from './service.ts';

const TRUE = '/usr/bin/true';
/** Looks are asked for, and none comes by itself. */
const NEVER = 86_400;

function document(version: number, contents: readonly string[], name = 'web'): string {
  const digests = pooled(
    contents.map((text) => ({ digest: `sha256:${createHash('sha256').update(utf8(text)).digest('hex')}`, path: TRUE })),
  );
  const pools = [{ id: 'coreutils_9', kind: 'package', name: 'coreutils', version: '9', digests } as const];
  const base = emptyReference(name, version, '2026-11-22T00:00:00Z');
  return new TextDecoder().decode(checkedReference({ ...base, pools }).canonical);
}

function manifest(file: string, hosts: readonly string[] | 'all' = 'all'): string {
  return JSON.stringify({ schema: 'assay.policies-source.v1', policies: [{ name: 'web', file, hosts }] });
}

function scratch(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'assay-policies-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A Git repository in which each change is a commit. */
class Repository {
  readonly path: string;
  readonly #sign: readonly string[];

  /** @param key SSH key that signs the commits */
  constructor(path: string, key?: string) {
    this.path = path;
    this.#sign = key === undefined ? [] : ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${key}`];
    this.git('init', '--quiet');
    this.git('symbolic-ref', 'HEAD', 'refs/heads/main');
  }

  git(...words: string[]): string {
    const who = ['-c', 'user.name=ops', '-c', 'user.email=ops@example.org', '-c', 'commit.gpgSign=false'];
    const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
    return execFileSync('git', ['-C', this.path, ...who, ...this.#sign, ...words], { env, encoding: 'utf8' }).trim();
  }

  /** @returns the commit */
  commit(files: Readonly<Record<string, string>>, signed = this.#sign.length > 0): string {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.path, path)), { recursive: true });
      writeFileSync(join(this.path, path), text);
    }
    this.git('add', '--all');
    this.git('commit', '--quiet', '--allow-empty', ...(signed ? ['-S'] : []), '--message', 'change');
    return this.git('rev-parse', 'HEAD');
  }
}

async function policies(verifier: Verifier): Promise<PolicyList> {
  return content(await call(verifier, ROUTES.policies), PolicyList);
}

/** What the list of policies says when it is so. */
async function eventually(verifier: Verifier, isSo: (list: PolicyList) => boolean): Promise<PolicyList> {
  for (;;) {
    const list = await policies(verifier);
    if (isSo(list)) return list;
    await delay(20);
  }
}

const applied =
  (commit: string) =>
  ({ source }: PolicyList): boolean =>
    source?.commit === commit && source.failure === null;
const failed =
  (code: string) =>
  ({ source }: PolicyList): boolean =>
    source?.failure?.code === code;

const inForce = ({ policies: versions }: PolicyList) =>
  versions.flatMap(({ version, inForceSince }) => (inForceSince === null ? [] : [version]));

async function running(
  t: TestContext,
  source: PolicySource,
  options: Partial<VerifierOptions> = {},
): Promise<{ verifier: Verifier; agent: TestAgent }> {
  const verifier = await service(t, { policySource: { source, seconds: NEVER }, ...options });
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-01' }));
  await agent.host.execute(TRUE, 'true');
  await agent.attest();
  return { verifier, agent };
}

const repositorySource = (t: TestContext, { path }: Repository, signers?: string): PolicySource =>
  gitSource({ origin: path, branch: 'main', cache: join(scratch(t), 'cache.git'), signers });

const missing = ['git', 'ssh-keygen'].filter((command) => spawnSync(command, ['-V']).error !== undefined);
const skip = missing.length === 0 ? false : `${missing.join(', ')} is missing: apt install git openssh-client`;

describe('policies from a Git repository', { timeout: 120_000, skip }, () => {
  test('are in force as its branch has them, and say from which commit they come', async (t) => {
    const repository = new Repository(scratch(t));
    const first = repository.commit({
      'web/v1.json': document(1, ['true']),
      'assay-policies.json': manifest('web/v1.json'),
    });
    const { verifier, agent } = await running(t, repositorySource(t, repository));
    const list = await eventually(verifier, applied(first));
    assert.deepEqual([list.source?.origin, list.source?.branch], [repository.path, 'main']);
    assert.deepEqual(
      list.policies.map(({ name, version, commit, pushedBy }) => [name, version, commit, pushedBy]),
      [['web', 1, first, 'policy-source']],
    );
    // The host may have come after the look.
    verifier.readPolicies();
    await eventually(verifier, ({ hosts, managed }) => hosts['web'] === 1 && managed[0]?.drift === null);
    while ((await agent.detail()).verdict === 'unverified') await delay(20);
    assert.equal((await agent.detail()).verdict, 'trusted');
    const second = repository.commit({
      'web/v2.json': document(2, ['other']),
      'assay-policies.json': manifest('web/v2.json'),
    });
    verifier.readPolicies();
    assert.deepEqual(inForce(await eventually(verifier, applied(second))), [2]);
    assert.equal((await agent.detail()).verdict, 'failed');
    const headers = { authorization: `Bearer ${TOKENS.operator}` };
    const { entries } = content(await call(verifier, ROUTES.audit, { headers }), AuditPage);
    const pushes = entries.filter(({ action }) => action === 'policy.push');
    assert.deepEqual(
      pushes.map(({ actor, detail }) => [actor, detail.includes(second)]),
      [
        ['policy-source', false],
        ['policy-source', true],
      ],
    );
  });

  test('stay in force whatever is wrong with the repository, which is a state and a figure', async (t) => {
    const repository = new Repository(scratch(t));
    const first = repository.commit({
      'web/v1.json': document(1, ['true']),
      'assay-policies.json': manifest('web/v1.json'),
    });
    const { verifier, agent } = await running(t, repositorySource(t, repository));
    await eventually(verifier, applied(first));
    verifier.readPolicies();
    await eventually(verifier, ({ hosts }) => hosts['web'] === 1);
    const wrong: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      'POLICIES-MANIFEST': { 'assay-policies.json': '{"schema":"assay.policies-source.v1","policies":[{}]}' },
      'POLICIES-SOURCE': { 'assay-policies.json': manifest('web/none.json') },
      'REFERENCE-FORM': { 'web/v9.json': '{}', 'assay-policies.json': manifest('web/v9.json') },
      'REQUEST-INVALID': { 'web/db.json': document(1, [], 'db'), 'assay-policies.json': manifest('web/db.json') },
      'POLICY-ROLLBACK': { 'web/v1.json': document(1, ['changed']), 'assay-policies.json': manifest('web/v1.json') },
    };
    for (const [code, files] of Object.entries(wrong)) {
      repository.commit(files);
      verifier.readPolicies();
      const list = await eventually(verifier, failed(code));
      assert.deepEqual([inForce(list), list.source?.commit], [[1], first], code);
    }
    assert.equal((await agent.detail()).verdict, 'trusted');
    assert.match((await call(verifier, ROUTES.metrics)).text, /^assay_policies_source_failing 1$/m);
    const mended = repository.commit({ 'web/v1.json': document(1, ['true']) });
    verifier.readPolicies();
    await eventually(verifier, applied(mended));
    assert.match((await call(verifier, ROUTES.metrics)).text, /^assay_policies_source_failing 0$/m);
    const lower = repository.commit({
      'web/v2.json': document(2, ['true']),
      'assay-policies.json': manifest('web/v2.json'),
    });
    verifier.readPolicies();
    await eventually(verifier, applied(lower));
    repository.commit({ 'assay-policies.json': manifest('web/v1.json') });
    verifier.readPolicies();
    const list = await eventually(verifier, failed('POLICY-ROLLBACK'));
    assert.deepEqual(inForce(list), [2], 'a lower version never comes into force');
    assert.equal(list.managed[0]?.drift, 'version 2 is in force instead of 1');
    assert.match((await call(verifier, ROUTES.metrics)).text, /^assay_policies_drifted 1$/m);
  });

  test('are not changed by the API, which says where they are changed', async (t) => {
    const repository = new Repository(scratch(t));
    const first = repository.commit({
      'web/v1.json': document(1, ['true']),
      'assay-policies.json': manifest('web/v1.json'),
    });
    const store = await newStore(t);
    const { verifier, agent } = await running(t, repositorySource(t, repository), { store });
    await eventually(verifier, applied(first));
    verifier.readPolicies();
    await eventually(verifier, ({ hosts }) => hosts['web'] === 1);
    await agent.host.execute('/usr/bin/new', 'new');
    await agent.attest();
    const [finding] = await agent.findings();
    const deny = [{ digest: finding?.evidence.digest, reason: 'x' }];
    const writes = [
      await post(verifier, ROUTES.policies, TOKENS.operator, { document: document(2, []) }),
      await post(verifier, route(ROUTES.policyActivation, 'web'), TOKENS.operator, { version: 1 }),
      await post(verifier, route(ROUTES.policyProposals, 'web'), TOKENS.operator, { deny }),
      await post(verifier, route(ROUTES.findingApproval, finding?.id ?? ''), TOKENS.operator, {}),
    ];
    for (const answer of writes) {
      assert.equal(refusal(answer), '409 POLICY-MANAGED');
      assert.equal(
        problemIn(answer).detail,
        `web comes from ${repository.path}, branch main: change web/v1.json there.`,
      );
    }
    const other = await post(verifier, ROUTES.policies, TOKENS.operator, { document: document(1, [], 'db') });
    assert.equal(content(other, PolicyReply).policy.commit, null, 'what the repository does not have is free');
    assert.equal((await policies(verifier)).policies.length, 2);
    await verifier.close();
    const without = await service(t, { store });
    const managed = await post(without, route(ROUTES.policyActivation, 'web'), TOKENS.operator, { version: 1 });
    assert.equal(refusal(managed), '409 POLICY-MANAGED', 'a verifier without the option does not take it over');
    const freed = await service(t, { store, policySource: 'none' });
    const activation = await post(freed, route(ROUTES.policyActivation, 'web'), TOKENS.operator, { version: 1 });
    content(activation, PolicyReply);
    assert.deepEqual([(await policies(freed)).source, (await policies(freed)).managed], [null, []]);
  });

  test('need a signed commit where keys are given, whoever delivers it', async (t) => {
    const keys = scratch(t);
    const key = join(keys, 'ops');
    const strange = join(keys, 'strange');
    for (const path of [key, strange]) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
    const signers = join(keys, 'allowed');
    writeFileSync(signers, `ops@example.org ${execFileSync('cat', [`${key}.pub`], { encoding: 'utf8' })}`);
    const files = { 'web/v1.json': document(1, ['true']), 'assay-policies.json': manifest('web/v1.json') };
    const repository = new Repository(scratch(t), key);
    repository.commit(files, false);
    const { verifier } = await running(t, repositorySource(t, repository, signers));
    await eventually(verifier, failed('POLICY-SIGNATURE'));
    assert.deepEqual((await policies(verifier)).policies, []);
    const signed = repository.commit({});
    verifier.readPolicies();
    assert.equal((await eventually(verifier, applied(signed))).source?.signer, 'ops@example.org');
    const mallory = new Repository(repository.path, strange);
    mallory.commit({ 'web/v2.json': document(2, ['evil']), 'assay-policies.json': manifest('web/v2.json') });
    verifier.readPolicies();
    assert.deepEqual(inForce(await eventually(verifier, failed('POLICY-SIGNATURE'))), [1]);
  });

  test('need a key of the file, and none of a keyring that the user of the verifier has besides', async (t) => {
    const directory = scratch(t);
    const good = '[GNUPG:] GOODSIG 0123456789ABCDEF mallory\\n[GNUPG:] TRUST_ULTIMATE 0 pgp\\n';
    writeFileSync(join(directory, 'gpg'), `#!/bin/sh\nprintf '${good}'\n`, { mode: 0o755 });
    writeFileSync(join(directory, 'allowed'), '');
    const keyring = {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'gpg.program',
      GIT_CONFIG_VALUE_0: join(directory, 'gpg'),
    };
    Object.assign(process.env, keyring);
    t.after(() => {
      for (const name of Object.keys(keyring)) delete process.env[name];
    });
    const repository = new Repository(scratch(t));
    repository.commit({ 'v1.json': document(1, ['true']), 'assay-policies.json': manifest('v1.json') });
    const signature = 'gpgsig -----BEGIN PGP SIGNATURE-----\n \n AAAA\n -----END PGP SIGNATURE-----\n\n';
    const input = `${repository.git('cat-file', 'commit', 'HEAD').replace('\n\n', `\n${signature}`)}\n`;
    const words = ['-C', repository.path, 'hash-object', '-t', 'commit', '-w', '--stdin'];
    const commit = execFileSync('git', words, { input, encoding: 'utf8' }).trim();
    repository.git('update-ref', 'refs/heads/main', commit);
    assert.equal(repository.git('log', '-1', '--format=%G?'), 'G', 'that keyring says that it is good');
    const { verifier } = await running(t, repositorySource(t, repository, join(directory, 'allowed')));
    await eventually(verifier, failed('POLICY-SIGNATURE'));
  });

  test('need signed documents where the verifier was given keys', async (t) => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const policyKeys = [{ name: 'release.pub', spki: publicKey.export({ format: 'der', type: 'spki' }) }];
    const payload = utf8(document(1, ['true']));
    const sig = sign(null, preAuthEncoding(REFERENCE_PAYLOAD_TYPE, payload), privateKey);
    const envelope = encodeEnvelope({ payloadType: REFERENCE_PAYLOAD_TYPE, payload, signatures: [{ sig }] });
    const repository = new Repository(scratch(t));
    repository.commit({ 'v1.json': document(1, ['true']), 'assay-policies.json': manifest('v1.json') });
    const { verifier } = await running(t, repositorySource(t, repository), { policyKeys });
    await eventually(verifier, failed('POLICY-UNSIGNED'));
    const signed = repository.commit({ 'v1.json': envelope });
    verifier.readPolicies();
    const list = await eventually(verifier, applied(signed));
    assert.deepEqual([inForce(list), list.policies[0]?.signer], [[1], 'release.pub']);
  });

  test('are read as objects: a link in the repository leads nowhere', async (t) => {
    const repository = new Repository(scratch(t));
    symlinkSync('/etc/passwd', join(repository.path, 'v1.json'));
    repository.commit({ 'assay-policies.json': manifest('v1.json') });
    const { verifier } = await running(t, repositorySource(t, repository));
    await eventually(verifier, failed('REFERENCE-FORM'));
    for (const file of ['../v1.json', '/etc/passwd', 'web/../../x', '-x', '']) {
      repository.commit({ 'assay-policies.json': manifest(file) });
      verifier.readPolicies();
      await eventually(verifier, failed('POLICIES-MANIFEST'));
    }
  });

  test('are put right again where somebody changed the store, and reach hosts that enrol later', async (t) => {
    const repository = new Repository(scratch(t));
    const hosts = ['web-01', 'web-02'];
    const commit = repository.commit({
      'v1.json': document(1, ['true']),
      'assay-policies.json': manifest('v1.json', hosts),
    });
    const { verifier } = await running(t, repositorySource(t, repository));
    await eventually(verifier, applied(commit));
    const late = await enrol(verifier, await SimulatedHost.boot({ name: 'web-02' }));
    await late.host.execute(TRUE, 'true');
    await late.attest();
    assert.match((await policies(verifier)).managed[0]?.drift ?? '', /judged otherwise/);
    verifier.readPolicies();
    await eventually(verifier, ({ managed, hosts: of }) => managed[0]?.drift === null && of['web'] === 2);
    // A host is given its policy first, and judged by it then.
    while ((await late.detail()).verdict !== 'trusted') await delay(20);
  });
});

describe('policies from a directory', { timeout: 120_000 }, () => {
  test('are in force as it has them, and change with it', async (t) => {
    const directory = scratch(t);
    writeFileSync(join(directory, 'v1.json'), document(1, ['true']));
    writeFileSync(join(directory, 'assay-policies.json'), manifest('v1.json'));
    const verifier = await service(t, { policySource: { source: directorySource(directory), seconds: 1 } });
    const list = await eventually(verifier, ({ source }) => source?.commit !== null && source !== null);
    assert.match(list.source?.commit ?? '', /^sha256:[0-9a-f]{64}$/);
    writeFileSync(join(directory, 'v2.json'), document(2, ['true']));
    writeFileSync(join(directory, 'assay-policies.json'), manifest('v2.json'));
    // Nobody tells the verifier: it looks by itself.
    assert.deepEqual(inForce(await eventually(verifier, (now) => inForce(now).includes(2))), [2]);
    rmSync(join(directory, 'assay-policies.json'));
    assert.deepEqual(inForce(await eventually(verifier, failed('POLICIES-SOURCE'))), [2]);
  });
});
