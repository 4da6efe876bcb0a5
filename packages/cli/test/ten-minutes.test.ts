import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createDatabase, postgresAvailable, startPostgres } from '@assay/testkit/postgres';
import { swtpmAvailable } from '@assay/testkit/swtpm';
import createClient, { type Client } from 'openapi-fetch';
import { z } from 'zod';
import type { paths } from './api.d.ts';
import { assay, documentIn, launch, ROOT, scratch, type Launched } from './assay.ts';
import { Link } from './link.ts';
import { end, Host, Service } from './machines.ts';
import { eventually } from './up.ts';

// What an operator lives through in the first ten minutes, with real parts: agents, swtpm, a verifier in a process of its
// own, entries that a real kernel wrote. All that is asked of the verifier goes through a client generated from its OpenAPI.

/** ASSAY_KILLS=200 is what a release is tried with. */
const KILLS = Number(process.env['ASSAY_KILLS'] ?? 3);
const LONGEST_LIFE_MILLISECONDS = 400;
const KERNEL_LIST = `${ROOT}packages/core/test/vectors/lists/ima-sig/binary_runtime_measurements_sha256`;
const HELLO = '/usr/bin/hello';
const NAMES = ['web-01', 'web-02'] as const;

const swtpm = swtpmAvailable();
const noSwtpm = 'missing' in swtpm ? `swtpm is missing: ${swtpm.missing}` : false;
const postgres = postgresAvailable();
const noPostgres = 'missing' in postgres ? `PostgreSQL is missing: ${postgres.missing}` : false;

type Api = Client<paths>;

/** What an answer of the generated client holds. @throws Error with the problem, where it is one */
function good<T>({ data, error }: { readonly data?: T; readonly error?: unknown }): T {
  if (data === undefined) throw new Error(JSON.stringify(error));
  return data;
}

async function done(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await assay(args);
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** A package that brings one program, as Debian's tools make it. */
function debianPackage(directory: string, version: string): { readonly file: string; readonly program: string } {
  const program = `hello ${version}\n`;
  const tree = join(directory, `hello-${version}`);
  mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
  mkdirSync(join(tree, 'usr/bin'), { recursive: true });
  const control = `Package: hello\nVersion: ${version}\nArchitecture: all\nMaintainer: A <a@b.c>\nDescription: d\n`;
  writeFileSync(join(tree, 'DEBIAN/control'), control);
  writeFileSync(join(tree, HELLO), program, { mode: 0o755 });
  const file = join(directory, `hello_${version}_all.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', '-b', tree, file], { stdio: 'pipe' });
  return { file, program };
}

class Story {
  readonly hosts = new Map<string, Host>();
  readonly #t: TestContext;
  readonly #agents = new Map<string, Launched>();
  readonly directory: string;
  readonly programs: string;
  readonly service: Service;
  readonly #store: readonly string[];
  #link: Link | undefined;

  constructor(t: TestContext, store: readonly string[]) {
    this.#t = t;
    this.#store = store;
    this.directory = scratch(t);
    this.programs = join(this.directory, 'programs');
    mkdirSync(this.programs);
    this.service = new Service(t);
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  async startVerifier(): Promise<void> {
    await this.service.start('--policy-key', this.path('key.pub'), ...this.#store);
  }

  async begin(): Promise<void> {
    await this.startVerifier();
    this.#link = await Link.open(this.#t, () => this.service.url);
    for (const name of NAMES) {
      const host = await new Host(this.#t).on();
      this.hosts.set(name, host);
      await host.replay(readFileSync(KERNEL_LIST));
      this.startAgent(name);
    }
  }

  get link(): Link {
    if (this.#link === undefined) throw new Error('the story has not begun');
    return this.#link;
  }

  host(name: string): Host {
    const host = this.hosts.get(name);
    if (host === undefined) throw new Error(`there is no ${name}`);
    return host;
  }

  stateOf(name: string): string {
    return join(this.host(name).directory, 'agent');
  }

  startAgent(name: string): void {
    const { socket, kernel } = this.host(name);
    const where = ['--tpm', `swtpm:${socket}`, '--list', `kernel:${kernel}`, '--state', this.stateOf(name)];
    const token = ['--join-token-file', this.service.joinToken];
    const agent = launch(['agent', 'run', '--verifier', this.link.url, '--name', name, ...where, ...token]);
    this.#agents.set(name, agent);
    this.#t.after(() => end(agent, 'SIGKILL'));
  }

  async killAgent(name: string): Promise<void> {
    const agent = this.#agents.get(name);
    if (agent !== undefined) await end(agent, 'SIGKILL');
  }

  /** One more known program, on each host. */
  async runProgram(number: number): Promise<void> {
    const path = join(this.programs, String(number));
    for (const host of this.hosts.values()) await host.run(path, readFileSync(path, 'utf8'));
  }

  /** How many entries the agent knows that the verifier has: it was told so. */
  acknowledged(name: string): number {
    const Status = z.looseObject({ round: z.looseObject({ entries: z.int() }).nullable() });
    return (
      Status.parse(JSON.parse(readFileSync(join(this.stateOf(name), 'agent-status.json'), 'utf8'))).round?.entries ?? 0
    );
  }

  api(token: string): Api {
    return createClient<paths>({ baseUrl: this.service.url, headers: { authorization: `Bearer ${token}` } });
  }

  /** Until it has all entries of all hosts, and says this of each. */
  async verdicts(api: Api, wanted: string): Promise<void> {
    for (const name of NAMES) {
      let last: unknown;
      await eventually(`${name} is ${wanted}`, async () => {
        const { data, error } = await api.GET('/v1/hosts/{id}', { params: { path: { id: name } } });
        last = error;
        if (data === undefined) return false; // It has not enrolled yet.
        const { host } = data;
        last = [host.verdict, host.sentence, host.list.entries];
        return host.verdict === wanted && host.list.entries === this.host(name).entries;
      }).catch((error: unknown) => assert.fail(`${String(error)}; last ${JSON.stringify(last)}`));
    }
  }
}

async function tokenFor(api: Api, role: 'operator' | 'approver', name: string): Promise<string> {
  return good(await api.POST('/v1/tokens', { body: { name, role } })).secret;
}

async function tenMinutes(t: TestContext, store: readonly string[]): Promise<void> {
  const story = new Story(t, store);
  for (let number = 0; number < KILLS; number++) {
    writeFileSync(join(story.programs, String(number)), `program ${number}`, { mode: 0o755 });
  }
  const [one, two] = [debianPackage(story.directory, '1.0'), debianPackage(story.directory, '1.1')];
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  writeFileSync(story.path('key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(story.path('key.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
  await story.begin();
  const admin = story.api(story.service.adminToken);
  const operator = story.api(await tokenFor(admin, 'operator', 'olga'));
  const approver = story.api(await tokenFor(admin, 'approver', 'paul'));
  const push = async (file: string): Promise<void> => {
    good(await operator.POST('/v1/policies', { body: { document: readFileSync(story.path(file), 'utf8') } }));
  };
  const activate = (version: number, hosts: 'all' | [] = []) =>
    approver.POST('/v1/policies/{id}/activation', { params: { path: { id: 'web' } }, body: { version, hosts } });

  await t.test('machines enrol, and nothing is green before somebody says what is good', async () => {
    for (const host of story.hosts.values()) await host.run(HELLO, one.program);
    await story.verdicts(operator, 'unverified');
  });

  await t.test(
    'what they ran and a package are reference values: built, signed by a key, activated by another',
    async () => {
      const sources = ['--list', join(story.host('web-01').kernel, 'binary_runtime_measurements_sha256')];
      sources.push('--deb', one.file, '--tree', story.programs);
      await done('reference', 'build', '--name', 'web', ...sources, '--out', story.path('v1.json'));
      await push('v1.json');
      const refused = await activate(1, 'all');
      assert.equal(refused.error?.code, 'POLICY-UNSIGNED');
      await done(
        'reference',
        'sign',
        story.path('v1.json'),
        '--key',
        story.path('key'),
        '--out',
        story.path('v1.dsse'),
      );
      await push('v1.dsse');
      good(await activate(1, 'all'));
      await story.verdicts(operator, 'trusted');
    },
  );

  await t.test('an upgrade is one finding for all hosts, which names the package', async () => {
    for (const host of story.hosts.values()) await host.run(HELLO, two.program);
    await story.verdicts(operator, 'failed');
    const { findings } = good(await operator.GET('/v1/findings', { params: { query: { open: 'true' } } }));
    assert.equal(findings.length, NAMES.length);
    for (const { code, sentence, explanation, blastRadius, evidence } of findings) {
      assert.equal(code, 'IMA-DIGEST-CHANGED', sentence);
      assert.equal(evidence.filenameHint, HELLO);
      assert.equal(blastRadius.hosts, NAMES.length);
      assert.match(JSON.stringify(explanation), /hello 1\.0/);
    }
  });

  await t.test('accepted by one person and activated by another, signed, it is green again', async () => {
    const { findings } = good(await operator.GET('/v1/findings', { params: { query: { open: 'true' } } }));
    const [finding] = findings;
    assert.ok(finding !== undefined);
    const approval = await operator.POST('/v1/findings/{id}/approval', {
      params: { path: { id: finding.id } },
      body: {},
    });
    const { policy, simulation } = good(approval);
    assert.deepEqual([policy.version, policy.signer], [2, null]);
    assert.deepEqual(
      simulation.hosts.map(({ host, before, after }) => [host, before, after]),
      NAMES.map((name) => [name, 'failed', 'trusted']),
    );
    const version = { params: { path: { id: 'web' }, query: { version: 2 } } };
    const { document } = good(await approver.GET('/v1/policies/{id}', version));
    writeFileSync(story.path('v2.json'), document);
    await done('reference', 'sign', story.path('v2.json'), '--key', story.path('key'), '--out', story.path('v2.dsse'));
    await push('v2.dsse');
    good(await activate(2));
    await story.verdicts(operator, 'trusted');
  });

  await t.test('a reboot, an agent that dies and a network that is cut heal by themselves', async () => {
    const [name] = NAMES;
    await story.host(name).off();
    await story.host(name).on();
    await story.host(name).run(HELLO, two.program);
    await story.verdicts(operator, 'trusted');
    await story.killAgent(name);
    await story.host(name).run(HELLO, one.program);
    story.startAgent(name);
    await story.verdicts(operator, 'trusted');
    story.link.cut();
    for (const host of story.hosts.values()) await host.run(HELLO, two.program);
    story.link.mend();
    await story.verdicts(operator, 'trusted');
  });

  await t.test(`a verifier that is killed ${KILLS} times has lost nothing that it acknowledged`, async () => {
    for (let number = 0; number < KILLS; number++) {
      await story.runProgram(number);
      await delay(Math.random() * LONGEST_LIFE_MILLISECONDS);
      await story.service.stop('SIGKILL');
      const told = NAMES.map((name) => [name, story.acknowledged(name)] as const);
      await story.startVerifier();
      for (const [name, entries] of told) {
        const { host } = good(await operator.GET('/v1/hosts/{id}', { params: { path: { id: name } } }));
        assert.ok(
          host.list.entries >= entries,
          `${name}: ${entries} were acknowledged, ${host.list.entries} are there`,
        );
      }
    }
    await story.verdicts(operator, 'trusted');
    for (const name of NAMES) await assertWhole(operator, name, story.host(name).entries);
    const { findings } = good(await operator.GET('/v1/findings', { params: { query: { open: 'true' } } }));
    assert.deepEqual(findings, []);
    const url = ['--url', story.service.url, '--state', story.service.state];
    assert.equal(documentIn({ stdout: await done('audit', 'verify', ...url, '-o', 'json') })['intact'], true);
  });
}

/** Each entry is there once, in its place. */
async function assertWhole(api: Api, id: string, entries: number): Promise<void> {
  const numbers: number[] = [];
  for (let cursor: string | null | undefined = undefined; cursor !== null; ) {
    const query = { limit: 1000, ...(cursor === undefined ? {} : { cursor }) };
    const page: { measurements: { entry: number }[]; next: string | null } = good(
      await api.GET('/v1/hosts/{id}/measurements', { params: { path: { id }, query } }),
    );
    numbers.push(...page.measurements.map(({ entry }) => entry));
    cursor = page.next;
  }
  assert.deepEqual(
    numbers,
    Array.from({ length: entries }, (_, index) => index + 1),
  );
}

describe('the first ten minutes of an operator', { skip: noSwtpm }, () => {
  test('with SQLite', (t) => tenMinutes(t, []));

  test('with PostgreSQL', { skip: noPostgres }, async (t) => {
    const server = await startPostgres(['fsync=off']);
    t.after(() => server.stop());
    await tenMinutes(t, ['--store', await createDatabase(server.url)]);
  });
});
