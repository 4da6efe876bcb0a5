import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { FormatError } from '@assay/core/errors';
import { Browser, CLIENT, identityProvider, type Account } from '@assay/testkit/identity';
import { ROUTES, route, SessionEnded, SessionList, WhoAmI, AuditPage } from '@assay/wire';
import type { Verifier } from '@assay/verifier';
import { readSignIn, type SignInSettings } from '@assay/verifier/sign-in';
import { openStore } from '../src/store/open.ts';
import { content } from './machine.ts';
import { call, newStore, post, problemIn, service, TOKENS, type Answer } from './service.ts';

const ACCOUNTS: Record<string, Account> = {
  alice: { email: 'alice@example.org', email_verified: true, groups: ['sec-approvers', 'everybody'] },
  victor: { email: 'victor@example.org', email_verified: true, groups: ['everybody'] },
  nobody: { email: 'nobody@example.org', email_verified: true, groups: ['strangers'] },
  unverified: { email: 'alice@example.org', email_verified: false, groups: ['sec-approvers'] },
  unnamed: { groups: ['sec-approvers'] },
  bidi: { email: 'alice\u202e@example.org', email_verified: true, groups: ['sec-approvers'] },
};
const ROLES = { viewer: ['everybody'], operator: [], approver: ['sec-approvers'], admin: [] };

/** An address of the loopback that nobody else uses: the provider has to know where the verifier will be. */
function ownAddress(): string {
  return `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
}

const PORT = 4620;

interface Place {
  readonly verifier: Verifier;
  readonly settings: SignInSettings;
  readonly now: { value: Date };
}

async function place(t: TestContext, store?: string): Promise<Place> {
  const host = ownAddress();
  const publicUrl = `http://${host}:${PORT}`;
  const issuer = await identityProvider(t, `${publicUrl}${ROUTES.signInCallback}`, ACCOUNTS);
  const settings = readSignIn(
    Buffer.from(JSON.stringify({ schema: 'assay.sign-in.v1', issuer, ...CLIENT, publicUrl, roles: ROLES })),
  );
  const now = { value: new Date() };
  const verifier = await service(t, {
    host,
    port: PORT,
    signIn: settings,
    now: () => now.value,
    ...(store === undefined ? {} : { store }),
  });
  return { verifier, settings, now };
}

async function whoIs(browser: Browser, { url }: Verifier): Promise<WhoAmI['principal']> {
  const answer = await browser.fetch(`${url}${ROUTES.whoAmI}`);
  return WhoAmI.parse(await answer.json()).principal;
}

async function status(browser: Browser, { url }: Verifier, path: string): Promise<number> {
  return (await browser.fetch(`${url}${path}`)).status;
}

function postFrom(browser: Browser, url: string, path: string, origin: string): Promise<Response> {
  const headers = { 'content-type': 'application/json', origin };
  return browser.fetch(`${url}${path}`, { method: 'POST', headers, body: '{}' });
}

test('a person signs in, acts under the name and role that the provider vouches for, and signs out', async (t) => {
  const { verifier, settings } = await place(t);
  const alice = new Browser();
  assert.equal(await status(alice, verifier, ROUTES.hosts), 401);
  const back = await alice.signIn(`${verifier.url}${ROUTES.signIn}?returnTo=/v1/hosts%3Flimit%3D5`, 'alice');
  assert.equal(back.status, 200);
  assert.match(back.url, /\/v1\/hosts\?limit=5$/);
  const principal = await whoIs(alice, verifier);
  assert.deepEqual([principal?.name, principal?.role, principal?.by], ['alice@example.org', 'approver', 'session']);
  assert.equal(await status(alice, verifier, ROUTES.tokens), 403);
  const captured = await postFrom(alice, verifier.url, route(ROUTES.captures, 'web-03'), settings.publicUrl);
  assert.equal(captured.status, 404); // Let in; there is no such host.
  const kept = alice.cookie(verifier.url, 'assay-session');
  const out = await postFrom(alice, verifier.url, ROUTES.signOut, settings.publicUrl);
  assert.match(String(SessionEnded.parse(await out.json()).providerSignOut), /\/session\/end\?/);
  assert.equal(alice.cookie(verifier.url, 'assay-session'), undefined);
  alice.setCookie(verifier.url, 'assay-session', String(kept));
  assert.equal(await status(alice, verifier, ROUTES.hosts), 401);
});

test('who listens is cut off when the session ends', async (t) => {
  const { verifier, settings } = await place(t);
  const alice = new Browser();
  await alice.signIn(`${verifier.url}${ROUTES.signIn}`, 'alice');
  const stream = await alice.fetch(`${verifier.url}${ROUTES.events}?form=lines`);
  assert.equal(stream.status, 200);
  await postFrom(alice, verifier.url, ROUTES.signOut, settings.publicUrl);
  assert.doesNotMatch(await stream.text(), /event:/);
});

test('the least role is that of a viewer, and whoever has none is told so and let in nowhere', async (t) => {
  const { verifier } = await place(t);
  const victor = new Browser();
  await victor.signIn(`${verifier.url}${ROUTES.signIn}`, 'victor');
  assert.equal((await whoIs(victor, verifier))?.role, 'viewer');
  const refused: [account: string, reason: RegExp][] = [
    ['nobody', /belongs to nothing in the claim groups that has a role here\. \(REQUEST-FORBIDDEN\)/],
    ['unverified', /has not verified the email address/],
    ['unnamed', /gives no usable name in the claim email/],
    ['bidi', /gives no usable name in the claim email/],
  ];
  for (const [account, reason] of refused) {
    const browser = new Browser();
    const address = `${verifier.url}${ROUTES.signIn}`;
    const page = await browser.signIn(address, account);
    assert.equal(page.status, 403, account);
    assert.match(page.headers.get('content-type') ?? '', /^text\/html/);
    assert.match(browser.page, reason);
    assert.equal(browser.cookie(verifier.url, 'assay-session'), undefined);
  }
});

test('a session changes nothing from a page of another site', async (t) => {
  const { verifier, settings } = await place(t);
  const alice = new Browser();
  await alice.signIn(`${verifier.url}${ROUTES.signIn}`, 'alice');
  const path = route(ROUTES.captures, 'web-03');
  for (const origin of ['https://evil.example', 'null', `${settings.publicUrl}.evil.example`, 'http://127.0.0.1:1']) {
    const answer = await postFrom(alice, verifier.url, path, origin);
    const { code } = (await answer.json()) as { code?: unknown };
    assert.deepEqual([answer.status, code], [403, 'REQUEST-ORIGIN'], origin);
  }
  const cookie = `assay-session=${alice.cookie(verifier.url, 'assay-session')}`;
  const headers = { cookie, 'content-type': 'application/json' };
  const silent = await call(verifier, path, { method: 'POST', headers, body: '{}' });
  assert.equal(problemIn(silent).code, 'REQUEST-ORIGIN');
});

test('the cookies are out of reach of scripts and of other sites', async (t) => {
  const { verifier } = await place(t);
  const { headers } = await call(verifier, ROUTES.signIn);
  const [cookie = ''] = headers['set-cookie'] ?? [];
  assert.match(cookie, /^assay-sign-in=[\w-]+; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/);
  assert.equal(headers['cache-control'], 'no-store');
});

test('what comes back to another browser, twice, or was never asked for is refused', async (t) => {
  const { verifier } = await place(t);
  const refusal = async (browser: Browser, query: string): Promise<string> => {
    const answer = await browser.fetch(`${verifier.url}${ROUTES.signInCallback}${query}`);
    assert.equal(answer.status, 403);
    return answer.text();
  };
  assert.match(await refusal(new Browser(), '?code=abc&state=def'), /has not begun to sign in/);
  assert.match(await refusal(new Browser(), ''), /SIGN-IN-REFUSED/);
  const begun = new Browser();
  await begun.fetch(`${verifier.url}${ROUTES.signIn}`);
  assert.match(await refusal(begun, '?code=abc&state=of-somebody-else'), /SIGN-IN-REFUSED/);
  assert.match(await refusal(begun, '?code=abc&state=of-somebody-else'), /has not begun to sign in/);
  const refused = new Browser();
  await refused.fetch(`${verifier.url}${ROUTES.signIn}`);
  const hostile = await refusal(refused, '?error=%3Cscript%3E&error_description=%3Cscript%3Ealert(1)');
  assert.ok(!hostile.includes('<script'), hostile);
});

test('nobody is sent to another site after signing in', async (t) => {
  const { verifier } = await place(t);
  const foreign = ['https://evil.example/', '//evil.example/', '/\\evil.example', 'data:text/html,', ''];
  const climbing = [
    '/.//evil.example/',
    '/a/..//evil.example/',
    '/a/..\\\\evil.example/',
    '/%2e//evil.example/',
    '/\t/evil.example/',
  ];
  for (const returnTo of [...foreign, ...climbing]) {
    const browser = new Browser();
    const address = `${verifier.url}${ROUTES.signIn}?returnTo=${encodeURIComponent(returnTo)}`;
    const page = await browser.signIn(address, 'alice');
    assert.equal(new URL(page.url).href, `${verifier.url}/`, returnTo);
  }
});

test('a session ends in time, or at once when an administrator ends it', async (t) => {
  const { verifier, now } = await place(t);
  const [alice, victor] = [new Browser(), new Browser()];
  await alice.signIn(`${verifier.url}${ROUTES.signIn}`, 'alice');
  now.value = new Date(now.value.getTime() + 1000);
  await victor.signIn(`${verifier.url}${ROUTES.signIn}`, 'victor');
  const { sessions } = content(await asAdmin(verifier, ROUTES.sessions), SessionList);
  assert.deepEqual(
    sessions.map(({ name, role }) => [name, role]),
    [
      ['alice@example.org', 'approver'],
      ['victor@example.org', 'viewer'],
    ],
  );
  const path = route(ROUTES.sessionEnd, sessions[0]?.id ?? '');
  assert.equal((await post(verifier, path, TOKENS.operator, {})).status, 200);
  assert.equal(problemIn(await post(verifier, path, TOKENS.operator, {})).code, 'REQUEST-NOT-FOUND');
  assert.equal(await whoIs(alice, verifier), null);
  assert.equal((await whoIs(victor, verifier))?.name, 'victor@example.org');
  now.value = new Date(now.value.getTime() + 8 * 3_600_000);
  assert.equal(await whoIs(victor, verifier), null);
  const { entries } = content(await asAdmin(verifier, ROUTES.audit), AuditPage);
  assert.deepEqual(
    entries.map(({ actor, action }) => [actor, action]),
    [
      ['alice@example.org', 'session.begin'],
      ['victor@example.org', 'session.begin'],
      ['built-in-operator', 'session.end'],
    ],
  );
});

test('a session holds across a restart, and its store has no secret', async (t) => {
  const store = await newStore(t);
  const { verifier, settings } = await place(t, store);
  const alice = new Browser();
  await alice.signIn(`${verifier.url}${ROUTES.signIn}`, 'alice');
  await verifier.close();
  await service(t, { store, host: new URL(verifier.url).hostname, port: PORT, signIn: settings });
  assert.equal((await whoIs(alice, verifier))?.name, 'alice@example.org');
  const database = await openStore(store);
  t.after(() => database.destroy());
  const rows = JSON.stringify(await database.selectFrom('sessions').selectAll().execute());
  assert.ok(!rows.includes(alice.cookie(verifier.url, 'assay-session') ?? ' '));
});

test('a provider that is not there stops nobody but those who sign in', async (t) => {
  const host = ownAddress();
  const signIn = readSignIn(
    Buffer.from(
      JSON.stringify({
        schema: 'assay.sign-in.v1',
        issuer: `http://${ownAddress()}:1`,
        ...CLIENT,
        publicUrl: `http://${host}:${PORT}`,
        roles: ROLES,
      }),
    ),
  );
  const verifier = await service(t, { host, port: PORT, signIn });
  const { status: code, code: name } = problemIn(await call(verifier, ROUTES.signIn));
  assert.deepEqual([code, name], [503, 'SIGN-IN-UNAVAILABLE']);
  assert.equal((await asAdmin(verifier, ROUTES.hosts)).status, 200);
});

test('without a provider everybody may ask who they are, and nobody can sign in', async (t) => {
  const verifier = await service(t);
  const me = content(await call(verifier, ROUTES.whoAmI), WhoAmI);
  assert.deepEqual([me.principal, me.openReads, me.signIn], [null, true, null]);
  const admin = content(await asAdmin(verifier, ROUTES.whoAmI), WhoAmI);
  assert.deepEqual([admin.principal?.name, admin.principal?.by], ['built-in-operator', 'token']);
  assert.equal(problemIn(await call(verifier, ROUTES.signIn)).code, 'REQUEST-NOT-FOUND');
});

test('behind a proxy that is trusted, each address has its own share of requests', async (t) => {
  const verifier = await service(t, { trustedProxies: ['127.0.0.1'] });
  const from = (address: string): Promise<Answer> =>
    call(verifier, ROUTES.whoAmI, { headers: { 'x-forwarded-for': address } });
  const first = await from('192.0.2.1');
  assert.equal(first.headers['x-ratelimit-limit'], '1200');
  assert.equal((await from('192.0.2.1')).headers['x-ratelimit-remaining'], '1198');
  assert.equal((await from('192.0.2.2')).headers['x-ratelimit-remaining'], '1199');
  assert.equal((await call(verifier, ROUTES.whoAmI)).headers['x-ratelimit-limit'], undefined);
});

const GOOD = {
  schema: 'assay.sign-in.v1',
  issuer: 'https://id.example',
  clientId: 'assay',
  clientSecret: 'secret',
  publicUrl: 'https://assay.example',
  roles: { viewer: ['everybody'] },
};

test('settings are read with what they leave out', () => {
  const settings = readSignIn(Buffer.from(JSON.stringify(GOOD)));
  assert.deepEqual([settings.sessionHours, settings.nameClaim, settings.rolesClaim], [8, 'email', 'groups']);
  assert.deepEqual(settings.roles.admin, []);
});

for (const [what, change, reason] of [
  ['a member that nobody knows', { more: 1 }, /more/i],
  ['an issuer without TLS', { issuer: 'http://id.example' }, /issuer is not https/],
  ['a public address without TLS', { publicUrl: 'http://assay.example' }, /publicUrl is not https/],
  ['a public address with a path', { publicUrl: 'https://assay.example/assay' }, /publicUrl has a path/],
  ['an issuer with a password', { issuer: 'https://a:b@id.example' }, /issuer has more than an address/],
  ['an issuer that is no address', { issuer: 'id' }, /issuer/],
  ['another kind of address', { issuer: 'file:///etc/passwd' }, /issuer/],
  ['no secret', { clientSecret: '' }, /clientSecret/],
  ['roles for nobody', { roles: { viewer: [] } }, /roles name nobody/],
  ['a role that is none', { roles: { agent: ['x'] } }, /roles/],
  ['a session without end', { sessionHours: 1e9 }, /sessionHours/],
  ['a scope with a blank', { scopes: ['email groups'] }, /scopes/],
] as const) {
  test(`settings with ${what} are refused`, () => {
    assert.throws(
      () => readSignIn(Buffer.from(JSON.stringify({ ...GOOD, ...change }))),
      (error) => error instanceof FormatError && error.code === 'SIGN-IN-SETTINGS' && reason.test(error.message),
    );
  });
}

function asAdmin(verifier: Verifier, path: string): Promise<Answer> {
  return call(verifier, path, { headers: { authorization: `Bearer ${TOKENS.operator}` } });
}
