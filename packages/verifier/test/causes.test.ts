import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test, type TestContext } from 'node:test';
import { utf8 } from '@assay/core/bytes';
import { checkedReference, emptyReference, pooled, type Pool } from '@assay/core/reference';
import { SimulatedHost } from '@assay/testkit/evidence';
import { PolicyReply, route, ROUTES, type Finding } from '@assay/wire';
import type { Verifier } from '@assay/verifier';
import { content, enrol, type TestAgent } from './machine.ts';
import { post, service, TOKENS } from './service.ts';

const LIBSSL = '/usr/lib/x86_64-linux-gnu/libssl.so.3';
const SHELL = '/usr/bin/sh';

function libssl(version: string): Pool {
  const digest = `sha256:${createHash('sha256')
    .update(utf8(`libssl ${version}`))
    .digest('hex')}`;
  return {
    id: `libssl3_${version}`,
    kind: 'package',
    name: 'libssl3',
    version,
    digests: pooled([{ digest, path: LIBSSL }]),
  };
}

const versions = ['3.0.12', '3.0.13', '3.0.14'];

/** Versions 1 to 3 of a policy, each with one libssl; the second is in force. */
async function policies(t: TestContext, name = 'web'): Promise<Verifier> {
  const verifier = await service(t);
  for (const [index, version] of versions.entries()) {
    const base = emptyReference(name, index + 1, '2026-11-22T00:00:00Z');
    const { canonical } = checkedReference({ ...base, pools: [libssl(version)] });
    const body = { document: new TextDecoder().decode(canonical) };
    content(await post(verifier, ROUTES.policies, TOKENS.operator, body), PolicyReply);
  }
  await activate(verifier, name, 2);
  return verifier;
}

async function activate(verifier: Verifier, name: string, version: number, hosts: readonly string[] = []) {
  const body = { version, hosts };
  content(await post(verifier, route(ROUTES.policyActivation, name), TOKENS.operator, body), PolicyReply);
}

async function assigned(verifier: Verifier, name: string): Promise<TestAgent> {
  const agent = await enrol(verifier, await SimulatedHost.boot({ name }));
  await activate(verifier, 'web', 2, [name]);
  return agent;
}

async function finding(agent: TestAgent, path: string): Promise<Finding> {
  const found = (await agent.findings()).find(({ evidence }) => evidence.filenameHint === path);
  assert.ok(found !== undefined);
  return found;
}

const said = ({ explanation }: Finding, cause: RegExp) =>
  explanation.find((each) => cause.test(each.cause))?.confidence;

describe('a finding is explained by', () => {
  test('the version of the policy that had its digest: an old library is in use', async (t) => {
    const agent = await assigned(await policies(t), 'web-01');
    await agent.host.execute(LIBSSL, 'libssl 3.0.12');
    await agent.attest();
    const cause =
      /^It is of libssl3 3\.0\.12, which version 2 of web replaced or left out: a program that was started before/;
    assert.equal(said(await finding(agent, LIBSSL), cause), 'high');
  });

  test('the version that has its digest and is not in force: the host was upgraded first', async (t) => {
    const verifier = await policies(t);
    const agent = await assigned(verifier, 'web-01');
    await agent.host.execute(LIBSSL, 'libssl 3.0.14');
    await agent.attest();
    const cause = /^It is of libssl3 3\.0\.14, which version 3 of web has; that is not in force yet\.$/;
    assert.equal(said(await finding(agent, LIBSSL), cause), 'high');
    await activate(verifier, 'web', 3);
    assert.deepEqual(await agent.findings(), []);
  });

  test('another policy that has it', async (t) => {
    const verifier = await policies(t, 'db');
    const base = emptyReference('web', 2, '2026-11-22T00:00:00Z');
    const body = { document: new TextDecoder().decode(checkedReference(base).canonical) };
    content(await post(verifier, ROUTES.policies, TOKENS.operator, body), PolicyReply);
    const agent = await assigned(verifier, 'web-01');
    await agent.host.execute(LIBSSL, 'libssl 3.0.13');
    await agent.attest();
    const cause = /^It is of libssl3 3\.0\.13 in version 2 of db, which is not for this host\.$/;
    assert.equal(said(await finding(agent, LIBSSL), cause), 'medium');
  });

  test('the same content at another path', async (t) => {
    const agent = await assigned(await policies(t), 'web-01');
    await agent.host.execute(SHELL, 'sh');
    await agent.host.execute('/tmp/sh', 'sh');
    await agent.attest();
    assert.equal(said(await finding(agent, '/tmp/sh'), /^The same content was measured at \/usr\/bin\/sh: /), 'medium');
    assert.equal(said(await finding(agent, SHELL), /measured at \/tmp\/sh: it was copied/), 'medium');
  });

  test('the boot that it came with, and later by the boot before', async (t) => {
    const first = await assigned(await policies(t), 'web-01');
    await first.attest();
    const second = first.on(await first.host.reboot());
    await second.host.execute(SHELL, 'sh');
    await second.attest();
    await second.attest();
    const came = await finding(second, SHELL);
    assert.equal(said(came, /^It came with the boot that was first seen at [\dT:.-]+Z: /), 'medium');
    await second.host.execute('/usr/bin/late', 'late');
    await second.attest();
    assert.equal(said(await finding(second, '/usr/bin/late'), /came with the boot/), undefined);
    const third = second.on(await second.host.reboot());
    await third.host.execute(SHELL, 'sh');
    await third.attest();
    await third.attest();
    const again = await finding(third, SHELL);
    assert.equal(said(again, new RegExp(`^It was there in an earlier boot, too \\(${came.id}\\)\\.$`)), 'high');
  });
});
