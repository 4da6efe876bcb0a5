import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import { concat, fromHex, toBase64, toHex, utf8 } from '@assay/core/bytes';
import { encodeSignedData, parseSignedData } from '@assay/core/cms';
import { FormatError, VerificationError } from '@assay/core/errors';
import {
  comparePcrs,
  coverageOf,
  decodeEvent,
  kernelCommandLineOf,
  parseEventLog,
  parseSignatureLists,
  parseVariable,
  secureBootOf,
} from '@assay/core/eventlog';
import { verifyEkCertificate, verifyEvidence } from '@assay/core/evidence';
import { encryptKey, parseEncryptedKey } from '@assay/core/evm';
import {
  encodeEcdsaSignature,
  encodePublicKey,
  parseCertificate,
  parseEcdsaSignature,
  parsePublicKey,
} from '@assay/core/keys';
import {
  encodeEvmLabel,
  encodeImaLabel,
  encodeModsig,
  findModsig,
  LABEL_TYPES,
  measuredParts,
  parseEvmLabel,
  parseImaLabel,
} from '@assay/core/label';
import {
  asciiBankOf,
  encodeAsciiEntry,
  encodeBinaryEntry,
  parseAsciiList,
  parseBinaryList,
  type TemplateName,
} from '@assay/core/measurement';
import { nodeCrypto, nodeHasher, nodeKeyCipher } from '@assay/core/node';
import { checkPolicy, lintPolicy, parsePolicyBytes, printPolicy } from '@assay/core/policy';
import { checkAttestationKey, checkEndorsementKey, parsePublic } from '@assay/core/tpm';
import { parseCertificates } from '@assay/core/x509';
import { mintAuthority } from '@assay/testkit/certificates';
import { SimulatedList } from '@assay/testkit/evidence';
import {
  agileLog,
  endorsementsToAccept,
  GOOD,
  roundsToAccept,
  separator,
  SHA256,
  signatureList,
  withChanges,
} from '@assay/testkit/forge';
import { assertHostileCuts, assertHostileInput } from './mutations.ts';
import { debian } from './policy-rules.ts';

type Again = (input: Uint8Array) => Uint8Array | undefined;

const nothing = (read: (input: Uint8Array) => unknown) => (input: Uint8Array) => void read(input);
const latin1 = (input: Uint8Array): string => Buffer.from(input).toString('latin1');

const authority = mintAuthority('Root');
const { raw: certificate } = authority.certificate;
const pem = `-----BEGIN CERTIFICATE-----\n${toBase64(certificate).replaceAll(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = encodePublicKey(parsePublicKey(publicKey.export({ type: 'spki', format: 'der' })));
const ecdsa = sign('sha256', Uint8Array.of(1), privateKey);
const signedData = encodeSignedData({
  certificate: { ...authority.certificate, issuer: fromHex('3000') },
  hash: 'sha256',
  signature: ecdsa,
});

const DIGEST = { algorithm: 'sha256', value: new Uint8Array(32).fill(5) } as const;
const LABEL = encodeImaLabel({ kind: 'digest', legacy: false, algorithm: 'sha256', digest: DIGEST.value });

const SIGNATURE = { kind: 'signature', version: 2, algorithm: 'sha256', keyId: 7, signature: ecdsa } as const;

/** A list with entries of the templates that carry the most, in one bank. */
function listOf(bank: 'sha1' | 'sha256'): SimulatedList {
  const list = new SimulatedList(bank);
  const name = utf8('/usr/bin/a');
  const metadata = { uid: 0, gid: 0, mode: 0o100755 };
  const xattrs = { xattrNames: ['user.a', 'user.b'], xattrLengths: [2, 3], xattrValues: new Uint8Array(5) };
  const fields = { digest: DIGEST, name, signature: LABEL };
  const entries: readonly (readonly [TemplateName, Parameters<SimulatedList['append']>[1]])[] = [
    ['ima-ng', fields],
    ['ima-sig', fields],
    ['ima-modsig', { ...fields, modsigDigest: DIGEST, modsig: signedData }],
    ['ima-buf', { digest: DIGEST, name: utf8('.ima'), buffer: certificate.subarray(0, 60) }],
    ['evm-sig', { digest: DIGEST, name, evmSignature: LABEL, ...metadata, ...xattrs }],
  ];
  for (const [template, content] of entries) list.append(template, content);
  list.violate('/var/log/a');
  return list;
}

const binary = listOf('sha256').bytes();
const ascii = concat(parseBinaryList(listOf('sha1').bytes(), { bank: 'sha1' }).entries.map(encodeAsciiEntry));

const lists = concat([signatureList(SHA256, new Uint8Array(32)), signatureList(SHA256, new Uint8Array(32).fill(1))]);
const encrypted = encryptKey(
  new Uint8Array(32),
  { name: 'user:kmk', payload: new Uint8Array(32) },
  new Uint8Array(16),
  { hasher: nodeHasher, keyCipher: nodeKeyCipher },
);

const POLICY = `# a policy
dont_measure fsmagic=0x9fa0
measure func=BPRM_CHECK mask=MAY_EXEC template=ima-sig
measure func=KEY_CHECK keyrings=.ima|.evm pcr=11
appraise func=MODULE_CHECK appraise_type=imasig|modsig
appraise func=SETXATTR_CHECK appraise_algos=sha256,sha384
audit uid>1000 obj_type=tmp_t fsuuid=12345678-1234-1234-1234-123456789abc
`;

const round = roundsToAccept()[0]?.bundle;
assert.ok(round !== undefined);
const endorsement = endorsementsToAccept()[0]?.bundle;
assert.ok(endorsement !== undefined);
const ak = checkAttestationKey(parsePublic(round.akPublic), nodeHasher);

const PARSERS: Readonly<Record<string, readonly [good: Uint8Array, again: Again]>> = {
  'a boot event log': [agileLog([separator(0), ...withChanges({})]), nothing(readLog)],
  'a UEFI variable': [GOOD.db.data, nothing(parseVariable)],
  'lists of signatures': [lists, nothing(parseSignatureLists)],
  'an X.509 certificate': [certificate, (input) => parseCertificate(input).raw],
  'the certificate of an endorsement key': [endorsement.certificate, nothing(readPath)],
  'certificates in PEM': [utf8(pem), nothing((input) => parseCertificates(latin1(input)))],
  'a public key': [spki, (input) => encodePublicKey(parsePublicKey(input))],
  'an ECDSA signature in DER': [ecdsa, (input) => encodeEcdsaSignature(parseEcdsaSignature(input, 'p256', 'sha256'))],
  'a signature in CMS': [signedData, nothing(parseSignedData)],
  'an appended signature': [encodeModsig(signedData), nothing((input) => findModsig(input, input.length + 100))],
  'security.ima with a digest': [LABEL, nothing(parseImaLabel)],
  'security.ima with a signature': [
    encodeImaLabel({ ...SIGNATURE, type: LABEL_TYPES.signature }),
    nothing(parseImaLabel),
  ],
  'security.evm with a portable signature': [
    encodeEvmLabel({ ...SIGNATURE, type: LABEL_TYPES.portable }),
    nothing(parseEvmLabel),
  ],
  'an encrypted key': [utf8(encrypted), nothing((input) => parseEncryptedKey(latin1(input)))],
  'a binary measurement list': [
    binary,
    (input) => {
      const { entries } = parseBinaryList(input, { bank: 'sha256' });
      for (const { fields } of entries) measuredParts(nodeHasher, fields);
      return concat(entries.map(encodeBinaryEntry));
    },
  ],
  'an ascii measurement list': [
    ascii,
    nothing((input) => parseAsciiList(input, { bank: asciiBankOf(input) ?? 'sha1' })),
  ],
  'the list of a round': [round.list.bytes, nothing((bytes) => verified({ list: { ...round.list, bytes } }))],
  'the message of a round': [round.message, nothing((message) => assert.ok(!verified({ message }) || same(message)))],
  'a policy': [utf8(POLICY), readPolicy],
};

function same(message: Uint8Array): boolean {
  return toHex(message) === toHex(round?.message ?? message);
}

/** Whether the round still verifies with something changed. */
function verified(change: Partial<typeof round>): boolean {
  assert.ok(round !== undefined);
  return verifyEvidence({ ak, ...round, ...change }, nodeCrypto).ok;
}

function readLog(input: Uint8Array): void {
  const parsed = parseEventLog(input);
  for (const event of parsed.events) decodeEvent(event);
  for (const bank of parsed.banks) {
    secureBootOf(nodeHasher, parsed, bank);
    kernelCommandLineOf(nodeHasher, parsed, bank);
    for (const event of parsed.events) coverageOf(nodeHasher, event, bank);
    comparePcrs(nodeHasher, parsed, [{ bank, pcr: 0, value: new Uint8Array(32) }]);
  }
}

/** No other certificate of the TPM than the one that was signed leads to its maker. */
function readPath(input: Uint8Array): void {
  assert.ok(endorsement !== undefined);
  const { ekPublic, intermediates, roots, now } = endorsement;
  const ek = checkEndorsementKey(parsePublic(ekPublic));
  const authorities = { sent: intermediates.map(parseCertificate), known: [], anchors: roots.map(parseCertificate) };
  verifyEkCertificate({ ek, certificate: parseCertificate(input), ...authorities, now }, nodeCrypto.signatures);
  assert.ok(Buffer.compare(input, endorsement.certificate) === 0, `accepted: ${toHex(input)}`);
}

function readPolicy(input: Uint8Array): Uint8Array {
  const lines = parsePolicyBytes(input);
  const { rules } = checkPolicy(lines, debian('6.12'));
  lintPolicy(lines, rules, debian('6.12'));
  return utf8(printPolicy(lines));
}

describe('whatever its bytes are changed to, it is refused with a typed error or read in one way only', () => {
  for (const [name, [good, again]] of Object.entries(PARSERS)) {
    test(name, (t) => {
      again(good);
      assertHostileCuts(good, again, isTyped);
      t.diagnostic(`${assertHostileInput(good, again, isTyped)} mutations`);
    });
  }
});

/** What cannot be read, and what can be read and does not verify. */
function isTyped(error: unknown): boolean {
  return error instanceof FormatError || error instanceof VerificationError;
}
