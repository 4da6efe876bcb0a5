import { toHex, utf8 } from '@assay/core/bytes';
import { keyIdOfCertificate, parseCertificate } from '@assay/core/keys';
import { measuredParts } from '@assay/core/label';
import { entryKind, fieldsOf, hasRightDigest, parseBinaryList, type MeasurementEntry } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { evaluate, plainSubject, type ActivePolicy } from '@assay/core/policy';
import { activePolicy } from '../active-policy.ts';
import { Comparisons } from '../comparisons.ts';
import { shownEntry } from '../measurement-expected.ts';
import { fileOf, textOf, type Agreement, type Files, type GuestAnswer } from '../suite.ts';
import { parseKey, type AddedKey } from './cases.ts';

/** Compares the list of a guest with what core says of the keys that were added. */
export function judgeKeys({ kernel, asked, files }: GuestAnswer): Agreement {
  const policy = activePolicy(textOf(asked, 'policy'), kernel);
  const all = new Comparisons(`${kernel.series} keys under ${textOf(asked, 'policy').split('\n')[0]}`);
  const ends = textOf(files, 'ends').trimEnd().split('\n');
  const added = textOf(asked, 'keys')
    .trimEnd()
    .split('\n')
    .map(parseKey)
    .filter((_, index) => ends[index] === 'ok');
  const expected = entriesFor(added, policy, asked);
  const { entries } = parseBinaryList(fileOf(files, 'list'), { bank: 'sha1' });
  all.compare('entries in the list', textOf(files, 'count').trim(), String(entries.length));
  const buffers = entries.filter((entry) => entryKind(entry) === 'buffer');
  const names = new Set(added.map(({ keyring }) => toHex(eventName(keyring))));
  const ours = buffers.filter(({ fields: { name } }) => name !== undefined && names.has(toHex(name)));
  all.compare('number of entries', String(ours.length), String(expected.length));
  for (const [index, { text, keyId }] of expected.entries()) judgeEntry(ours[index], { text, keyId }, index, all);
  for (const entry of buffers) {
    all.holds(`digest of entry ${entry.number}`, hasRightDigest(nodeHasher, 'sha1', entry));
    const { buffer } = measuredParts(nodeHasher, entry.fields);
    all.compare(`entry ${entry.number} is of`, 'key', buffer?.kind ?? 'nothing');
  }
  return all;
}

function judgeEntry(
  entry: MeasurementEntry | undefined,
  { text, keyId }: KeyEntry,
  index: number,
  all: Comparisons,
): void {
  const said = entry === undefined ? 'nothing' : shownEntry(entry.pcr, entry.template, entry.fields);
  all.compare(`entry ${index + 1} of keys`, said, text);
  const key = entry === undefined ? undefined : measuredParts(nodeHasher, entry.fields).buffer;
  all.compare(`key of entry ${index + 1}`, key?.kind === 'key' ? String(key.keyId) : 'no key', String(keyId));
}

interface KeyEntry {
  readonly text: string;
  readonly keyId: number;
}

/** The same entry comes into the list once for each PCR. */
function entriesFor(added: readonly AddedKey[], policy: ActivePolicy, asked: Files): KeyEntry[] {
  const found = new Map<string, KeyEntry>();
  for (const key of added.filter(({ type }) => type === 'asymmetric')) {
    const entry = entryFor(key, policy, fileOf(asked, key.certificate));
    if (entry !== undefined && !found.has(entry.text)) found.set(entry.text, entry);
  }
  return [...found.values()];
}

function entryFor(
  { isEarly, uid, gid, keyring }: AddedKey,
  policy: ActivePolicy,
  der: Uint8Array,
): KeyEntry | undefined {
  // What was added before is measured by who loads the policy, which is root.
  const subject = isEarly ? plainSubject(0, 0) : plainSubject(uid, gid);
  const {
    actions,
    template = 'ima-buf',
    pcr,
  } = evaluate(policy, { func: 'KEY_CHECK', mask: 0, subject, data: keyring });
  if (!actions.has('measure')) return undefined;
  const fields = {
    digest: { algorithm: 'sha256', value: nodeHasher.digest('sha256', der) },
    name: eventName(keyring),
    ...(fieldsOf(template).includes('buf') ? { buffer: der } : {}),
  } as const;
  // A rule's pcr=0 means the default one.
  const text = shownEntry(pcr === undefined || pcr === 0 ? IMA_PCR : pcr, template, fields);
  return { text, keyId: keyIdOfCertificate(nodeHasher, parseCertificate(der)) };
}

const IMA_PCR = 10;

/** Entries have no blanks in their names. */
function eventName(keyring: string): Uint8Array {
  return utf8(keyring.replaceAll(' ', '_'));
}
