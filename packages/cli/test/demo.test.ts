import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { FindingList, HostList, PolicyList } from '@assay/wire';
import { z } from 'zod';
import { assay, launch, scratch, UNSAFE, type Ended, type Options } from './assay.ts';
import { eventually } from './up.ts';

const Line = z.object({
  schema: z.literal('assay.demo-fleet.v1'),
  time: z.iso.datetime(),
  chapter: z.string(),
  text: z.string(),
});

/** Fast enough that nobody waits for the clock; each step still waits for what it is about. */
const FAST = ['--hosts', '5', '--speed', '500', '--port', '0'];

/** A whole story, with its state in a directory of the test. It has no time limit: each step of it has one. */
async function story(args: readonly string[], options: Options = {}): Promise<Ended & { told: string[] }> {
  const ended = await launch(['demo', 'fleet', ...args, '--once', '-o', 'jsonl'], options).ended;
  assert.equal(ended.stderr, '');
  const lines = ended.stdout.trimEnd().split('\n');
  const parsed = lines.map((line) => Line.parse(JSON.parse(line)));
  const told = parsed.flatMap(({ chapter, text }) => (/^(page|state)$/.test(chapter) ? [] : [`${chapter}: ${text}`]));
  return { ...ended, told };
}

const CHAPTERS: readonly RegExp[] = [
  /^enrolment: 5 hosts are switched on/,
  /^enrolment: 5 hosts have sent evidence that verifies/,
  /^reference: olga pushes web version 1/,
  /^reference: arno activates it for/,
  /^reference: all hosts are trusted$/,
  /^day: /,
  /^upgrade: apt upgrade begins .*libxml2-16/,
  /^upgrade: \d hosts of the first wave warn/,
  /^upgrade: olga approves the findings into web version 4$/,
  /^upgrade: \d hosts of the first wave are trusted again$/,
  /^upgrade: the upgrade is on all hosts$/,
  /^upgrade: web version 5 has the packages themselves/,
  /^attack: a tampered \/usr\/bin\/sudo runs on \S+: sha256:[0-9a-f]{64}$/,
  /^attack: \S+ has failed$/,
  /^attack: the same digest runs on \S+:/,
  /^attack: \S+ has failed; both findings have one cause$/,
  /^attack: \S+ was installed anew and is trusted; \S+ stays as it is/,
  /^silence: \S+ falls silent$/,
  /^silence: \S+ is stale/,
  /^reboot: \S+ reboots/,
  /^reboot: \S+ is trusted in its new boot$/,
  /^clone: \S+-copy comes with a copy of the TPM/,
  /^clone: \S+-copy waits for a decision, and \S+ warns/,
  /^end: the story is told$/,
];

test('the story is told to its end; the same seed tells the same one, and its state is removed', async (t) => {
  const temporary = scratch(t);
  const options = { env: { TMPDIR: temporary } };
  const first = await story([...FAST, '--seed', 'a'], options);
  assert.equal(first.code, 0, first.stdout);
  let from = 0;
  for (const wanted of CHAPTERS) {
    const at = first.told.findIndex((line, index) => index >= from && wanted.test(line));
    assert.ok(at >= 0, `${wanted} after line ${from} of\n${first.told.join('\n')}`);
    from = at + 1;
  }
  assert.deepEqual(readdirSync(temporary), []);

  await t.test('--keep keeps it, and a directory that is not empty is refused', async () => {
    const keep = `${scratch(t)}/demo`;
    const args = [...FAST, '--seed', 'a', '--keep', keep];
    assert.deepEqual((await story(args)).told, first.told);
    assert.ok(existsSync(`${keep}/verifier.sqlite`));
    const again = await assay(['demo', 'fleet', ...args]);
    assert.equal(again.code, 2);
    assert.match(again.stderr, /^error USAGE: --keep .* is not empty; .*assay verifier serve --state /);
  });
});

test('Ctrl-C in the middle of the story ends it in order', async (t) => {
  const temporary = scratch(t);
  const running = launch(['demo', 'fleet', '--hosts', '4', '--port', '0'], { env: { TMPDIR: temporary } });
  await eventually('hosts have sent evidence', () => running.output.stdout.includes('have sent evidence'));
  assert.match(running.output.stdout, /^ {2}page +http:\/\/127\.0\.0\.1:\d+\/#token=\S+$/m);
  running.child.kill('SIGINT');
  const { code, stderr, stdout } = await running.ended;
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  assert.ok(!UNSAFE.test(stdout));
  assert.deepEqual(readdirSync(temporary), []);
});

test('at a verifier that is given, hosts and policies have a prefix, and nobody acts without a token', async (t) => {
  const directory = scratch(t);
  const serving = ['--port', '0', '--state', directory, '--heartbeat', '1', '--stale-after', '3'];
  const verifier = launch(['verifier', 'serve', ...serving]);
  t.after(async () => {
    verifier.child.kill('SIGTERM');
    await verifier.ended;
  });
  await eventually('the verifier serves', () => verifier.output.stdout.includes('tokens.json'));
  const [, url = ''] = /^assay \S+ at (\S+)$/m.exec(verifier.output.stdout) ?? [];
  const tokens = z
    .object({ operator: z.string(), join: z.string() })
    .parse(JSON.parse(readFileSync(`${directory}/tokens.json`, 'utf8')));
  const join = `${directory}/join`;
  writeFileSync(join, `${tokens.join}\n`);
  const given = ['--hosts', '4', '--speed', '500', '--verifier', url];
  const told = await story([...given, '--join-token-file', join], { env: { ASSAY_TOKEN: tokens.operator } });
  assert.equal(told.code, 0, told.stdout);
  assert.ok(!told.stdout.includes(tokens.join));
  const read = async <T>(path: string, schema: z.ZodType<T>): Promise<T> =>
    schema.parse(await (await fetch(`${url}${path}`)).json());
  const { hosts } = await read('/v1/hosts', HostList);
  assert.ok(hosts.length === 4 && hosts.every(({ name }) => name.startsWith('demo-')));
  const { policies, hosts: assigned } = await read('/v1/policies', PolicyList);
  assert.ok(policies.every(({ name }) => name.startsWith('demo-')));
  assert.deepEqual(Object.values(assigned), [1, 1, 1, 1]);
  const { findings } = await read('/v1/findings?open=true', FindingList);
  assert.ok(findings.length > 0 && findings.every(({ host }) => host.name.startsWith('demo-')));

  await t.test('hosts of another seed, whose names are taken, are refused at once', async () => {
    const other = await assay(['demo', 'fleet', ...given, '--seed', 'b', '--join-token-file', join]);
    assert.equal(other.code, 2);
    assert.match(other.stderr, /^error USAGE: the verifier has another demo-\S+: take the --seed/);
  });

  await t.test('without ASSAY_TOKEN hosts enrol, and what people do is left to people', async () => {
    const alone = await story([...given, '--join-token-file', join]);
    assert.equal(alone.code, 0, alone.stdout);
    assert.ok(alone.told.some((line) => line.startsWith('reference: without ASSAY_TOKEN nobody acts')));
    assert.deepEqual((await read('/v1/policies', PolicyList)).policies, policies);
  });
});

test('a verifier without a join token is wrong usage', async () => {
  const { code, stderr } = await assay(['demo', 'fleet', '--verifier', 'http://127.0.0.1:1']);
  assert.equal(code, 2);
  assert.match(stderr, /--verifier needs --join-token-file/);
});
