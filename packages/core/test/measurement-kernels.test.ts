import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { concat, fromHex, toHex, utf8 } from '@assay/core/bytes';
import { plainInPlaceHasher, type HashName } from '@assay/core/hash';
import {
  asciiBankOf,
  bootAggregate,
  byteOrderOf,
  digestText,
  encodeAsciiEntry,
  encodeBinaryEntry,
  encodeTemplateData,
  filenameHint,
  firstForgedDigest,
  ListVerifier,
  parseAsciiList,
  parseBinaryList,
  templateDigest,
  type EntryContent,
  type ExpectedPcr,
  type ReplayResult,
} from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';

const LISTS: readonly { folder: string; bank: HashName; suffix: string; entries: number }[] = [
  { folder: '6.1', bank: 'sha1', suffix: '', entries: 45 },
  { folder: '6.12-custom', bank: 'sha256', suffix: '_sha256', entries: 18 },
  { folder: '6.12-ima', bank: 'sha1', suffix: '_sha1', entries: 18 },
  { folder: '6.12-ngv2', bank: 'sha256', suffix: '_sha256', entries: 18 },
  { folder: '6.12-match', bank: 'sha1', suffix: '', entries: 50 },
  { folder: '7.3-bufs', bank: 'sha256', suffix: '_sha256', entries: 22 },
  { folder: '7.3-kexec', bank: 'sha256', suffix: '_sha256', entries: 18 },
];

function vector(name: string): Buffer {
  return readFileSync(new URL(`vectors/lists/${name}`, import.meta.url));
}

/** `pcr-BANK.txt` with `index value`, or `pcrs.txt` with `bank:index value`; of those that IMA extended. */
function pcrsBeside(folder: string): ExpectedPcr[] {
  const rows = (['sha1', 'sha256'] as const).flatMap((bank) =>
    lines(`${folder}/pcr-${bank}.txt`).map((line) => `${bank}:${line}`),
  );
  return [...rows, ...lines(`${folder}/pcrs.txt`)].flatMap((row) => {
    const [, bank, index, hex] = /^(sha1|sha256|sha384|sha512):(1[01]) ([0-9A-Fa-f]+)$/.exec(row.trim()) ?? [];
    return hex === undefined ? [] : [{ bank: bank as HashName, pcr: Number(index), value: fromHex(hex) }];
  });
}

function lines(name: string): string[] {
  return existsSync(new URL(`vectors/lists/${name}`, import.meta.url))
    ? vector(name).toString('latin1').trim().split('\n')
    : [];
}

function replayed(binary: Uint8Array, bank: HashName, expected: readonly ExpectedPcr[]): readonly ReplayResult[] {
  const verifier = ListVerifier.begin({ form: { format: 'binary', bank }, expected }, plainInPlaceHasher(nodeHasher));
  verifier.push(binary);
  verifier.end();
  return verifier.report.pcrs;
}

for (const { folder, bank, suffix, entries: count } of LISTS) {
  describe(`kernel list ${folder}`, () => {
    const binary = vector(`${folder}/binary_runtime_measurements${suffix}`);
    const ascii = vector(`${folder}/ascii_runtime_measurements${suffix}`);
    const { entries } = parseBinaryList(binary, { bank });

    test('the binary form is read whole and written again byte for byte', () => {
      assert.equal(entries.length, count);
      assert.deepEqual(Buffer.from(concat(entries.map(encodeBinaryEntry))), binary);
    });

    test('every template digest is recomputed', () => {
      assert.equal(firstForgedDigest(nodeHasher, bank, entries), undefined);
    });

    test('the ascii form is written as the kernel writes it', () => {
      assert.equal(Buffer.from(concat(entries.map(encodeAsciiEntry))).toString('latin1'), ascii.toString('latin1'));
    });

    test('the ascii form is read to the same entries as the binary form', () => {
      assert.equal(asciiBankOf(ascii), bank);
      const read = parseAsciiList(ascii, { bank });
      assert.deepEqual(read.map(encodeBinaryEntry).map(toHex), entries.map(encodeBinaryEntry).map(toHex));
    });

    test('each PCR beside it that IMA extended is reached by the whole list, or by its last entry for that PCR', () => {
      for (const result of replayed(binary, bank, pcrsBeside(folder)).filter((row) => row.expected !== undefined)) {
        const last = entries.findLast((entry) => entry.pcr === result.pcr)?.number;
        assert.equal(result.matchedEntries, last, `${result.bank}:${result.pcr}`);
      }
    });
  });
}

test('a bank whose hash the kernel lacked when IMA began holds padded SHA-1 digests, and whole 0xff for violations', () => {
  const list = vector('6.1/binary_runtime_measurements');
  const { entries } = parseBinaryList(list, { bank: 'sha1' });
  const rules = replayed(list, 'sha1', pcrsBeside('6.1')).map(({ bank, pcr, rule }) => `${bank}:${pcr} ${rule}`);
  assert.ok(entries.some(({ violation }) => violation));
  assert.deepEqual(rules, [
    'sha1:10 own-digest',
    'sha1:11 own-digest',
    'sha256:10 own-digest',
    'sha256:11 own-digest',
    'sha384:10 padded-sha1-whole-violations',
    'sha384:11 padded-sha1',
    'sha512:10 padded-sha1-whole-violations',
    'sha512:11 padded-sha1',
  ]);
});

test('a list carried over a kexec has a second boot_aggregate with the same digest', () => {
  const { entries } = parseBinaryList(vector('7.3-kexec/binary_runtime_measurements_sha256'), { bank: 'sha256' });
  const aggregates = entries.filter(({ fields }) => filenameHint(fields) === 'boot_aggregate');
  assert.equal(aggregates.length, 2);
  assert.equal(new Set(aggregates.map(({ fields }) => digestText(fields.digest))).size, 1);
});

test('each field is decoded to its type', () => {
  const { entries } = parseBinaryList(vector('6.12-custom/binary_runtime_measurements_sha256'), { bank: 'sha256' });
  const { fields } = entries.find(({ fields: { mode } }) => mode === 0o100644) ?? {};
  assert.deepEqual([fields?.uid, fields?.gid], [0, 0]);
  const named = entries.find(({ fields: { xattrNames } }) => xattrNames !== undefined)?.fields;
  assert.ok(named !== undefined);
  assert.ok(named.xattrNames?.every((name) => name.startsWith('security.')));
  assert.equal(
    named.xattrLengths?.reduce((sum, length) => sum + length, 0),
    named.xattrValues?.length,
  );
  const modsig = parseBinaryList(vector('7.3-bufs/binary_runtime_measurements_sha256'), {
    bank: 'sha256',
  }).entries.find((entry) => entry.fields.modsig !== undefined);
  assert.equal(modsig?.fields.modsig?.[0], 0x30);
  assert.match(digestText(modsig.fields.modsigDigest), /^sha256:9036cef3/);
});

test('an fs-verity digest is not taken for a digest of the file', () => {
  const { entries } = parseBinaryList(vector('6.1/binary_runtime_measurements'), { bank: 'sha1' });
  const verity = entries.filter(({ fields }) => fields.digest?.type === 'verity');
  assert.ok(verity.length > 0);
  assert.ok(verity.every(({ fields }) => digestText(fields.digest).startsWith('verity-sha256:')));
});

const FILE = { digest: { algorithm: 'sha1', value: new Uint8Array(20).fill(7) }, name: utf8('/x') } as const;

function content(
  template: 'ima' | 'ima-ng' | 'evm-sig',
  fields: object,
  byteOrder: 'little' | 'big' = 'little',
): EntryContent {
  const templateData = encodeTemplateData(template, { ...FILE, ...fields }, byteOrder);
  const order = byteOrder === 'big' ? { byteOrder } : {};
  const entry = { pcr: 10, template, templateData, ...order };
  return { ...entry, templateDigest: templateDigest(nodeHasher, 'sha256', entry) };
}

test('a list of a big-endian machine is recognised, read, verified and written again', () => {
  const list = ['evm-sig', 'ima', 'ima-ng'] as const;
  const owner = { uid: 1000, gid: 0x01020304, mode: 0o100755, xattrNames: ['security.ima'], xattrLengths: [3] };
  const bytes = concat(list.map((template) => encodeBinaryEntry(content(template, owner, 'big'))));
  assert.equal(byteOrderOf(bytes, 'sha256'), 'big');
  const { entries } = parseBinaryList(bytes, { bank: 'sha256', byteOrder: 'big' });
  assert.deepEqual([entries[0]?.fields.gid, entries[0]?.fields.mode], [0x01020304, 0o100755]);
  assert.equal(firstForgedDigest(nodeHasher, 'sha256', entries), undefined);
  assert.deepEqual(concat(entries.map(encodeBinaryEntry)), bytes);
  assert.throws(() => parseBinaryList(bytes, { bank: 'sha256' }), { code: 'LIST-PCR' });
  assert.equal(byteOrderOf(vector('6.1/binary_runtime_measurements'), 'sha1'), 'little');
});

test('template ima with ima_hash=md5 has digests of 16 bytes, and of 20 for boot_aggregate and violations', () => {
  const md5 = { digest: { algorithm: 'md5', value: new Uint8Array(16).fill(5) } };
  const violation = { ...content('ima', {}), templateDigest: new Uint8Array(32) };
  const bytes = concat([content('ima', {}), content('ima', md5), violation].map(encodeBinaryEntry));
  const { entries } = parseBinaryList(bytes, { bank: 'sha256', imaHash: 'md5' });
  assert.deepEqual(
    entries.map(({ fields }) => fields.digest?.algorithm),
    ['sha1', 'md5', 'sha1'],
  );
  assert.equal(firstForgedDigest(nodeHasher, 'sha256', entries), undefined);
});

test('the digest of template ima covers 20 bytes and the name padded with zeros to 256', () => {
  const padded = concat([FILE.digest.value, FILE.name, new Uint8Array(254)]);
  assert.deepEqual(templateDigest(nodeHasher, 'sha256', content('ima', {})), nodeHasher.digest('sha256', padded));
});

test('a newline in a name is put together again in the ascii form, and the digest shows that it was right', () => {
  const names = ['/a\nb', '/c\n10_no_entry', '/d\n'].map((name) => content('ima-ng', { name: utf8(name) }));
  const entries = parseAsciiList(concat(names.map(encodeAsciiEntry)), { bank: 'sha256' });
  assert.deepEqual(
    entries.map(({ fields }) => filenameHint(fields)),
    ['/a\\x0ab', '/c\\x0a10_no_entry', '/d\\x0a'],
  );
  assert.equal(firstForgedDigest(nodeHasher, 'sha256', entries), undefined);
});

test('boot_aggregate of the 6.1 list is the digest of the PCRs beside it', () => {
  const pcrs = lines('6.1/pcrs.txt').flatMap((line) => {
    const [, index, hex] = /^sha256:(\d) ([0-9A-F]+)$/.exec(line) ?? [];
    return hex === undefined ? [] : [[Number(index), fromHex(hex)] as const];
  });
  const [first] = parseBinaryList(vector('6.1/binary_runtime_measurements'), { bank: 'sha1' }).entries;
  assert.equal(digestText(first?.fields.digest), `sha256:${toHex(bootAggregate(nodeHasher, 'sha256', new Map(pcrs)))}`);
});
