// Checks of TPM quotes on one core, against node:crypto's bare check and tpm2_checkquote processes: [--rounds N] [--quotes N]
import { execFileSync } from 'node:child_process';
import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { toHex } from '@assay/core/bytes';
import { encodeEcdsaSignature } from '@assay/core/keys';
import { nodeCrypto } from '@assay/core/node';
import {
  checkAttestationKey,
  encodeToolsPcrs,
  parsePublic,
  parseSignature,
  verifyQuote,
  type AkTemplateName,
  type BankValues,
  type QuoteInput,
} from '@assay/core/tpm';
import { readSelected, Tpm, connectSwtpm } from '@assay/linux/tpm';
import { startSwtpm } from '@assay/testkit/swtpm';

/** What the project promises of the bare check's rate. */
const AIM = 0.85;
const SELECTION = [{ bank: 'sha256', pcrs: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] }] as const;
const ROUND_MILLISECONDS = 300;
const PROCESSES = 30;
const KEYS: readonly AkTemplateName[] = ['ecdsa-p256', 'rsassa-2048'];

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '15' }, quotes: { type: 'string', default: '100' } },
});
const rounds = Number(options.rounds);
const count = Number(options.quotes);
if (!Number.isSafeInteger(rounds) || rounds < 1 || !Number.isSafeInteger(count) || count < 1) {
  console.error('usage: npm run bench -- tpm [--rounds N] [--quotes N]');
  process.exit(2);
}

interface Sample {
  readonly name: AkTemplateName;
  /** TPM2B_PUBLIC. */
  readonly akPublic: Uint8Array;
  readonly inputs: readonly QuoteInput[];
  readonly pcrValues: BankValues;
}

const swtpm = await startSwtpm();
const directory = await mkdtemp(join(tmpdir(), 'assay-bench-'));
try {
  console.log(`${count} quotes of swtpm over ${SELECTION[0].pcrs.length} PCRs for each key; one core`);
  console.log(
    `best of ${rounds} rounds of ${ROUND_MILLISECONDS} ms of processor time, by turns; load before: ${loadavg()[0]?.toFixed(2)}`,
  );
  row('', ['quotes/s', 'of bare', 'x checkquote']);
  for (const sample of await samples()) await report(sample);
} finally {
  await swtpm.stop();
  await rm(directory, { recursive: true, force: true });
}

async function samples(): Promise<Sample[]> {
  const tpm = new Tpm(await connectSwtpm(swtpm.socketPath));
  try {
    await tpm.startup();
    const all: Sample[] = [];
    for (const name of KEYS) all.push(await sampleOf(tpm, name));
    return all;
  } finally {
    await tpm.close();
  }
}

async function sampleOf(tpm: Tpm, name: AkTemplateName): Promise<Sample> {
  const ek = await tpm.createEndorsementKey();
  return tpm.using(ek.handle, async () => {
    const blobs = await tpm.createAttestationKey(ek.handle, name);
    const ak = checkAttestationKey(parsePublic(blobs.public), nodeCrypto.hasher);
    const { handle } = await tpm.loadAttestationKey(ek.handle, blobs);
    return tpm.using(handle, async () => {
      const pcrValues = await readSelected(tpm, SELECTION);
      const inputs: QuoteInput[] = [];
      while (inputs.length < count) {
        const extraData = nodeCrypto.credentials.random(32);
        const quoted = await tpm.quote(handle, extraData, SELECTION);
        inputs.push({ ak, ...quoted, extraData, selection: SELECTION, pcrValues });
      }
      return { name, akPublic: blobs.public, inputs, pcrValues };
    });
  });
}

async function report(sample: Sample): Promise<void> {
  const whole = sample.inputs.map((input) => () => verifyQuote(input, nodeCrypto).resetCount > 0);
  const bare = bareCheck(sample);
  let [bestWhole, bestBare] = [0, 0];
  for (let round = 0; round < rounds; round++) {
    bestBare = Math.max(bestBare, rate(bare));
    bestWhole = Math.max(bestWhole, rate(whole));
  }
  const processes = await checkquoteRate(sample);
  const ratio = bestWhole / bestBare;
  const times = (figure: number): string => Math.round(figure / processes).toString();
  row(`${sample.name}, assay`, [rounded(bestWhole), `${(ratio * 100).toFixed(1)} %`, times(bestWhole)]);
  row(`${sample.name}, node:crypto`, [rounded(bestBare), '', times(bestBare)]);
  row(`${sample.name}, tpm2_checkquote`, [processes.toFixed(1), '', '1']);
  console.log(`${sample.name}: ${ratio >= AIM ? 'within' : 'under'} the aim of ${AIM * 100} %`);
}

/** The signature alone: key and signature are ready in the form that OpenSSL takes, and that Node takes fastest. */
function bareCheck(sample: Sample): (() => boolean)[] {
  const imported = keyOf(sample);
  return sample.inputs.map(({ ak, message, signature }) => {
    const parsed = parseSignature(signature);
    const value = parsed.scheme === 'ecdsa' ? encodeEcdsaSignature(parsed) : parsed.value;
    return () => verify(ak.hash, message, imported, value);
  });
}

function keyOf({ inputs }: Sample): KeyObject {
  const key = inputs[0]?.ak.key;
  if (key === undefined) throw new Error('there is no quote');
  const b64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
  const jwk =
    key.kind === 'ecc'
      ? { kty: 'EC', crv: 'P-256', x: b64url(key.x), y: b64url(key.y) }
      : { kty: 'RSA', n: b64url(key.modulus), e: 'AQAB' };
  return createPublicKey({ format: 'jwk', key: jwk });
}

/** Checks in a second of processor time, over all quotes by turns: what other programs take does not count. */
function rate(checks: readonly (() => boolean)[]): number {
  let done = 0;
  const start = process.cpuUsage();
  for (;;) {
    for (const check of checks) if (!check()) throw new Error('a good quote was refused');
    done += checks.length;
    const { user, system } = process.cpuUsage(start);
    const seconds = (user + system) / 1e6;
    if (seconds * 1000 >= ROUND_MILLISECONDS) return done / seconds;
  }
}

async function checkquoteRate({ akPublic, inputs, pcrValues }: Sample): Promise<number> {
  const [input] = inputs;
  if (input === undefined) throw new Error('there is no quote');
  const files = {
    'ak.pub': akPublic,
    msg: input.message,
    sig: input.signature,
    pcrs: encodeToolsPcrs(SELECTION, pcrValues),
  };
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(directory, name), bytes);
  const words = [
    '-u',
    'ak.pub',
    '-m',
    'msg',
    '-s',
    'sig',
    '-f',
    'pcrs',
    '-g',
    'sha256',
    '-q',
    toHex(input.extraData),
    '-Q',
  ];
  const start = performance.now();
  for (let i = 0; i < PROCESSES; i++) execFileSync('tpm2_checkquote', words, { cwd: directory });
  return (PROCESSES * 1000) / (performance.now() - start);
}

function row(name: string, cells: readonly string[]): void {
  console.log(name.padEnd(32) + cells.map((cell) => cell.padStart(14)).join(''));
}

function rounded(figure: number): string {
  return Math.round(figure).toString();
}
