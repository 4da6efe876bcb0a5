import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { SimulatedHost } from '@assay/testkit/evidence';
import { EnrolReply, EvidenceReply, HostTimeline, route, ROUTES, type EvidenceMessage } from '@assay/wire';
import { content, enrol, TestAgent } from './machine.ts';
import { call, newStore, post, refusal, TOKENS } from './service.ts';

/** ASSAY_KILLS=200 is what a release is tried with. */
const KILLS = Number(process.env['ASSAY_KILLS'] ?? 3);
const LONGEST_LIFE_MILLISECONDS = 150;

/** A verifier that is killed as a crash would end it, and started again at the same address. */
class Victim {
  readonly #store: string;
  #child: ChildProcess | null = null;
  url = '';

  constructor(t: TestContext, store: string) {
    this.#store = store;
    t.after(() => this.kill());
  }

  async start(): Promise<void> {
    const env = { ...process.env, STORE: this.#store, PORT: new URL(this.url || 'http://a:0').port, ...SECRETS };
    const child = spawn(process.execPath, [join(import.meta.dirname, 'serve.ts')], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    for await (const line of createInterface({ input: child.stdout })) {
      this.url = line;
      return;
    }
    assert.fail('the verifier did not start');
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}

const SECRETS = { OPERATOR: TOKENS.operator, JOIN: TOKENS.join };

/** Attests without pause, and remembers what was answered and what was not. */
class Loop {
  readonly #agent: TestAgent;
  readonly answered: EvidenceMessage[] = [];
  /** Sent, and the verifier died before it answered. */
  unanswered: EvidenceMessage | null = null;
  /** Entries of which the verifier said that it has them. */
  entries = 0;

  constructor(agent: TestAgent) {
    this.#agent = agent;
  }

  async run(): Promise<void> {
    for (;;) {
      await this.#agent.host.execute(`/usr/bin/program-${this.#agent.host.list.entries}`, 'x');
      const message = await this.#agent.host.evidence(this.#agent.challenge);
      this.unanswered = message;
      const answer = await this.#agent.post(message).catch(() => null);
      if (answer === null) return;
      this.#took(message, content(answer, EvidenceReply));
      this.unanswered = null;
    }
  }

  #took(message: EvidenceMessage, reply: EvidenceReply): void {
    assert.deepEqual([reply.verified, reply.errors], [true, []]);
    this.answered.push(message);
    this.entries = reply.challenge.list.fromEntry - 1;
    this.#agent.challenge = reply.challenge;
  }

  /** After the verifier came back: what was in the air is accepted now, or was accepted then, never both. */
  async recover(): Promise<void> {
    if (this.unanswered !== null) {
      const answer = await this.#agent.post(this.unanswered);
      if (answer.status !== 200) assert.equal(refusal(answer), '409 QUOTE-NONCE');
      else this.#took(this.unanswered, content(answer, EvidenceReply));
      assert.equal(refusal(await this.#agent.post(this.unanswered)), '409 QUOTE-NONCE');
    }
    for (const message of this.answered.slice(-3)) {
      assert.equal(refusal(await this.#agent.post(message)), '409 QUOTE-NONCE');
    }
    const { list } = await this.#agent.askChallenge();
    assert(list.fromEntry > this.entries, `${list.fromEntry - 1} entries are kept of ${this.entries}`);
    assert.equal((await this.#agent.measurements('limit=1')).total, list.fromEntry - 1);
  }
}

test(`killed ${KILLS} times at random points, it takes nothing twice and loses nothing that it acknowledged`, async (t) => {
  const victim = new Victim(t, await newStore(t));
  await victim.start();
  const names = ['web-01', 'web-02', 'web-03'];
  const agents: TestAgent[] = [];
  for (const name of names) agents.push(await enrol(victim, await SimulatedHost.boot({ name })));
  const loops = agents.map((agent) => new Loop(agent));
  for (let kill = 0; kill < KILLS; kill++) {
    const running = Promise.all(loops.map((loop) => loop.run()));
    await delay(Math.random() * LONGEST_LIFE_MILLISECONDS);
    await victim.kill();
    await running;
    await victim.start();
    for (const loop of loops) await loop.recover();
  }
  for (const agent of agents) {
    assert.equal((await agent.attest()).verified, true);
    const { measurements, total } = await agent.measurements('limit=1000');
    assert.equal(total, agent.host.list.entries);
    assert.deepEqual(
      measurements.map(({ entry }) => entry),
      Array.from({ length: Math.min(total, 1000) }, (_, index) => index + 1),
    );
  }
});

/** Renews the key of a host as far as the verifier lives. */
async function renewing(agent: TestAgent, next: SimulatedHost, token: string): Promise<void> {
  const begun = await post(agent.verifier, ROUTES.renewKey, agent.token, await next.enrolRequest()).catch(() => null);
  if (begun === null) return;
  const credential = content(begun, EnrolReply);
  const secret = await next.openCredential(credential);
  await post(agent.verifier, route(ROUTES.activate, credential.enrolment), '', { secret, token }).catch(() => null);
}

test(`killed ${KILLS} times while a host renews its key, it knows one of the two keys, and takes the next`, async (t) => {
  const victim = new Victim(t, await newStore(t));
  await victim.start();
  let agent = await enrol(victim, await SimulatedHost.boot({ name: 'web-01' }));
  const { challenge } = await agent.attest();
  const knows = async ({ token }: TestAgent): Promise<boolean> =>
    (await post(victim, ROUTES.challenge, token, {})).status === 201;
  for (let kill = 0; kill < KILLS; kill++) {
    const token = randomBytes(32).toString('base64url');
    const renewed = new TestAgent(victim, agent.host.withAnotherKey(), { hostId: agent.hostId, token, challenge });
    const running = renewing(agent, renewed.host, token);
    await delay(Math.random() * LONGEST_LIFE_MILLISECONDS);
    await victim.kill();
    await running;
    await victim.start();
    assert.equal(await knows(agent), !(await knows(renewed)), 'one of the two');
    if (!(await knows(renewed))) await renewing(agent, renewed.host, token);
    await agent.host.forgetKey();
    agent = renewed;
    assert.equal((await agent.askChallenge()).list.fromEntry, challenge.list.fromEntry, 'the list goes on');
    assert.equal((await agent.attest()).verified, true);
  }
  const { keys } = content(await call(victim, route(ROUTES.timeline, agent.hostId)), HostTimeline);
  assert.equal(keys.length, KILLS);
});
