import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fromHex, toHex } from '@assay/core/bytes';
import { getXattr, listXattrs, removeXattr, setXattr } from '@assay/linux/xattr';
import { isRoot } from './assay.ts';
import { readTranscript, type Step } from './evmctl-transcript.ts';

const EVMCTL = fileURLToPath(new URL('../bin/evmctl.js', import.meta.url));
const VECTORS = process.env['ASSAY_VECTORS'] ?? fileURLToPath(new URL('../../../../shared/vectors', import.meta.url));
const TRANSCRIPT = join(VECTORS, 'evmctl/transcript-1.6.2.txt');
const LISTS = join(VECTORS, 'kernel-6.12');
/** The certificate whose key signed files in the lists. */
const LIST_CERTIFICATE = join(VECTORS, 'kernel-7.3-options/bufs/rsa2048.der');
const MISSING = `no transcript in ${VECTORS}: set ASSAY_VECTORS to the directory that has evmctl/`;
const skip = existsSync(TRANSCRIPT) ? !isRoot && 'only root writes security.*' : MISSING;

const FILE = 'hello\n';
const [DIGEST, EMPTY] = [
  '5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03',
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
];
const SHA1 = 'f572d396fae9206628714fb2ce00f72e94f2258f';
const VERITY = '555b589c26ee43b7a2510e6c67ced9fb3190b6da6e9e683984551f5d77a763de';
/** The standard inputs of `sign_hash`, by its options and in their order: the transcript shows only what they led to. */
const INPUTS: Readonly<Record<string, readonly string[]>> = {
  'sign_hash --key rsa2048.key': [`${DIGEST}  f\n`, `${DIGEST}  f\n${EMPTY}  e\n`, '\n', 'x  f\n', '', `${DIGEST}\n`],
  'sign_hash -a sha1 --key rsa2048.key': [`${SHA1}  f\n`],
  'sign_hash -a sha512 --key rsa2048.key': [`${DIGEST}  f\n`],
  'sign_hash --key nokey': [`${DIGEST}  f\n`],
  'sign_hash --veritysig --key rsa2048.key': [
    `sha256:${VERITY} f\n`,
    `${VERITY} f\n`,
    'sha256:abcd f\n',
    `sha999:${VERITY} f\n`,
  ],
};

/** What differs on purpose, each with its reason (docs/evmctl.md). */
const DIFFERENCES: readonly {
  readonly line: RegExp;
  readonly reason: string;
  readonly stderr?: RegExp;
  readonly code?: number;
}[] = [
  { line: /--ima=zz/, reason: 'evmctl signs what its memory held', stderr: /--ima takes hexadecimal/, code: 125 },
  { line: /^ima_sign -r/, reason: 'evmctl leaves the directory that a relative --key is in', stderr: /signature: 264/ },
  {
    line: /^ima_sign --key enc.key f$/,
    reason: 'nothing is asked without a terminal',
    stderr: /no passphrase was given/,
  },
  { line: / trunc/, reason: 'a list without its end proves nothing', stderr: /Unable to read template name/, code: 1 },
  { line: / junk /, reason: 'no whole record proves nothing', stderr: /Unable to read template name/, code: 1 },
  { line: /^ima_measurement nofile /, reason: 'evmctl crashes', stderr: /Failed to open measurement file/, code: 125 },
  { line: / emptyl /, reason: 'an empty list proves nothing', stderr: /Failed to match/, code: 1 },
  { line: / list ima-sha1-tpm12/, reason: 'a mixed list is not verified', stderr: /Mixed measurement list/, code: 1 },
  {
    line: /^sign_hash --veritysig .* 2$/,
    reason: 'evmctl hashes what its memory held',
    stderr: /invalid digest length/,
    code: 125,
  },
  {
    line: /^sign_hash --key rsa2048.key 3$/,
    reason: 'evmctl hashes what its memory held',
    stderr: /invalid digest length/,
    code: 125,
  },
];

describe('the transcript of evmctl 1.6.2', { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'assay-transcript-'));
  after(() => rmSync(directory, { recursive: true }));
  const at = (name: string) => join(directory, name);
  let ids: Ids;
  before(() => {
    ids = makeFiles(directory);
  });

  for (const step of skip === false ? readTranscript(readFileSync(TRANSCRIPT, 'latin1')) : []) {
    const line = `evmctl ${step.words.join(' ')}`;
    const name = [line, step.comment, step.occurrence > 0 ? `(${step.occurrence + 1})` : ''].join(' ').trim();
    test(`is that of ours: ${name}`, { skip: missing(step) }, () => {
      prepare(step, directory);
      const { status, stdout, stderr } = run(step, directory);
      if (isOfChangedFile(step)) writeFileSync(at('f'), FILE);
      const difference = DIFFERENCES.find((each) => each.line.test(keyOf(step)));
      assert.equal(status, difference?.code ?? step.code, stderr);
      if (difference?.stderr !== undefined) assert.match(stderr, difference.stderr, difference.reason);
      else {
        assert.equal(masked(stdout, step, ids), masked(step.stdout, step, THEIR_IDS));
        assert.equal(masked(ownWords(stderr), step, ids), masked(theirWords(step.stderr), step, THEIR_IDS));
      }
      if (step.section !== 'ima_measurement' && difference === undefined) checkXattrs(step, at('f'), ids);
    });
  }
});

interface Ids {
  readonly rsa: string;
  readonly p256: string;
  readonly version1: string;
}

const THEIR_IDS: Ids = { rsa: '46e12569', p256: '321800db', version1: 'f46094e08249da4c' };

function makeFiles(directory: string): Ids {
  const openssl = (...words: string[]) => execFileSync('openssl', words, { cwd: directory, stdio: 'pipe' });
  const certificate = ['req', '-x509', '-new', '-subj', '/CN=t', '-addext', 'subjectKeyIdentifier=hash'];
  openssl('genpkey', '-algorithm', 'rsa', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', 'rsa2048.key');
  openssl('genpkey', '-algorithm', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'p256.key');
  for (const name of ['rsa2048', 'p256']) {
    openssl(...certificate, '-key', `${name}.key`, '-outform', 'DER', '-out', `${name}.der`);
  }
  openssl('x509', '-inform', 'DER', '-in', 'rsa2048.der', '-out', 'rsa.pem');
  openssl('pkey', '-in', 'rsa2048.key', '-pubout', '-out', 'rsa.pub.pem');
  openssl('pkcs8', '-topk8', '-in', 'rsa2048.key', '-out', 'enc.key', '-passout', 'pass:secret');
  openssl('rsa', '-in', 'rsa2048.key', '-traditional', '-out', 'trad.key');
  mkdirSync(join(directory, 'd/sub'), { recursive: true });
  const contents = {
    f: FILE,
    e: '',
    'd/a': 'a',
    'd/sub/b': 'b',
    'bad.key': 'bad',
    'hmac.key': 'k'.repeat(64),
    junk: 'junk',
    emptyl: '',
  };
  for (const [name, content] of Object.entries(contents)) writeFileSync(join(directory, name), content);
  const [rsa = '', p256 = ''] = ['rsa2048', 'p256'].map((name) => keyIdOf(join(directory, `${name}.der`)));
  const converted = spawnSync(process.execPath, [EVMCTL, 'convert', 'rsa.pub.pem'], { cwd: directory });
  assert.equal(converted.status, 0);
  const version1 = readFileSync(join(directory, 'rsa.pub.pem.keyid'), 'latin1').toLowerCase().padStart(16, '0');
  return { rsa, p256, version1 };
}

/** The last four bytes of the subject key identifier, as OpenSSL prints it. */
function keyIdOf(path: string): string {
  const words = ['x509', '-inform', 'DER', '-in', path, '-noout', '-ext', 'subjectKeyIdentifier'];
  return execFileSync('openssl', words, { encoding: 'latin1' }).trim().slice(-11).replaceAll(':', '').toLowerCase();
}

function keyOf({ words, occurrence, comment }: Step): string {
  const number = occurrence > 0 ? ` ${occurrence}` : '';
  return `${words.join(' ')}${words[0] === 'ima_measurement' ? ` ${comment}` : ''}${number}`;
}

function missing(step: Step): string | false {
  if (step.words.some((word) => word.startsWith('ima-evm-utils-src'))) return 'the log is in the sources of evmctl';
  const list = step.section === 'ima_measurement' ? step.comment : '';
  return list === '' || existsSync(join(LISTS, list)) ? false : `the list ${list} is not among the vectors`;
}

/** The transcript does not show what happened between its commands, but which attributes were there. */
function prepare(step: Step, directory: string): void {
  const file = join(directory, 'f');
  const target = Buffer.from(file);
  const kept = step.words[0] === 'ima_clear' ? listXattrs(target) : [...step.xattrs.keys()];
  for (const name of listXattrs(target)) if (!kept.includes(name)) removeXattr(target, name);
  // What an earlier step left, which this one does not write; long values are cut off.
  for (const [name, value] of step.xattrs) {
    if (getXattr(target, name) === undefined)
      setXattr(target, name, fromHex(value.slice(0, 2 * Math.floor(value.length / 2))));
  }
  if (isOfChangedFile(step)) writeFileSync(file, 'changed\n');
  if (step.section === 'ima_measurement') placeList(step.comment, directory);
}

/** The second of these found the file changed. */
function isOfChangedFile({ words, section, occurrence }: Step): boolean {
  return section === 'ima_sign' && words.join(' ') === 'ima_verify --key rsa2048.der f' && occurrence === 1;
}

function placeList(name: string, directory: string): void {
  const source = join(LISTS, name);
  cpSync(join(source, 'binary_runtime_measurements_sha1'), join(directory, 'list'));
  writeFileSync(join(directory, 'trunc'), readFileSync(join(directory, 'list')).subarray(0, 28));
  for (const bank of ['sha1', 'sha256']) {
    const values = join(source, `pcr-${bank}.txt`);
    const target = join(directory, `pcrs-${bank}`);
    rmSync(target, { force: true });
    if (existsSync(values)) writeFileSync(target, pcrFile(readFileSync(values, 'latin1')));
  }
}

function pcrFile(text: string): string {
  const lines = text.trim().split('\n');
  return lines.map((line) => line.replace(/^(\d+) /, (_, pcr: string) => `PCR-${pcr.padStart(2, '0')}: `)).join('\n');
}

function run(step: Step, cwd: string) {
  const { words, occurrence } = step;
  const key = words.join(' ');
  const fromEnvironment = key === 'ima_sign --key enc.key f' && occurrence === 1;
  const env = { PATH: process.env['PATH'] ?? '', ...(fromEnvironment ? { EVMCTL_KEY_PASSWORD: 'secret' } : {}) };
  const input = INPUTS[key]?.[occurrence] ?? '';
  const given = words.map((word) =>
    step.section === 'ima_measurement' && word === 'rsa2048.der' ? LIST_CERTIFICATE : word,
  );
  const ended = spawnSync(process.execPath, [EVMCTL, ...given], { cwd, env, input, encoding: 'latin1' });
  return { ...ended, stderr: ended.stderr.replaceAll(LIST_CERTIFICATE, 'rsa2048.der') };
}

/** Without the reason in our words behind what OpenSSL refuses. */
function ownWords(text: string): string {
  return text.replaceAll(/^(Failed to (?:d2i_X509_fp|PEM_read)\w* .*\n).*\n/gm, '$1');
}

/** Without OpenSSL's and the TPM library's own messages, the places in evmctl's sources, and the question for a passphrase. */
function theirWords(text: string): string {
  return text
    .replaceAll(/^(?:openssl: |ERROR:|WARNING:|Enter PEM pass phrase:).*\n/gm, '')
    .replaceAll(/^\w+:\d+ /gm, '');
}

/** Finds a key's number also where it is printed without the zeros in front of it (`%x`, `%llX`). */
function idPattern(id: string): RegExp {
  const digits = id.replace(/^0+/, '');
  return new RegExp(`0{0,${id.length - digits.length}}${digits}`, 'gi');
}

/** With the same words for what keys, times and the file system give: ids, signatures, and what is computed of them. */
function masked(text: string, step: Step, ids: Ids): string {
  const named = text
    .trimEnd()
    .replaceAll(idPattern(ids.rsa), 'RSA')
    .replaceAll(THEIR_IDS.rsa, 'RSA')
    .replaceAll(idPattern(ids.p256), 'P256')
    .replaceAll(idPattern(ids.version1), 'V1')
    .replaceAll(/(0[356]0[23][0-9a-f]{2}(?:RSA|aabbccdd)0100)[0-9a-f]{512}/g, '$1 SIGNATURE')
    .replaceAll(/0301[0-9a-f]{8}(00[0-9a-f]{2}V1010800)[0-9a-f]{512}/g, '0301 TIME $1 SIGNATURE')
    .replaceAll(/^sighash: [0-9a-f]{40}$/gm, 'sighash: OF A TIME');
  const line = step.words.join(' ');
  const ofThisFile = step.words[0] === 'hmac' || !line.includes('--generation');
  if (step.section !== 'sign' && step.section !== 'hmac') return named;
  if (line.includes('--imasig'))
    return named.replaceAll(/^hash\(sha256\): [0-9a-f]{64}$/gm, 'hash(sha256): OF A SIGNATURE');
  if (!ofThisFile) return named;
  return named.replaceAll(/^(hash\(\w+\): |)(generation: \d+|hash\(\w+\): \w+|hmac: \w+)$/gm, '$1OF THIS FILE');
}

function checkXattrs(step: Step, file: string, ids: Ids): void {
  const target = Buffer.from(file);
  const names = listXattrs(target).filter((name) => name.endsWith('.ima') || name.endsWith('.evm'));
  if (step.xattrs.size > 0 || step.code === 0) assert.deepEqual(names.toSorted(), [...step.xattrs.keys()].toSorted());
  for (const [name, value] of step.xattrs) {
    const ours = toHex(getXattr(target, name) ?? new Uint8Array(0));
    const [own, theirs] = [ours, value].map((hex) => comparable(hex, ids));
    assert.equal(own, theirs, name);
  }
}

/** A digest as far as it is printed; of a signature or an HMAC what does not depend on key, time and file. */
function comparable(hex: string, ids: Ids): string {
  if (hex.startsWith('02')) return '02';
  if (hex.startsWith('0301')) return '0301';
  if (hex.startsWith('01') || hex.startsWith('04')) return hex.slice(0, 104);
  return hex.slice(0, 14).replace(ids.rsa, 'RSA').replace(THEIR_IDS.rsa, 'RSA');
}
