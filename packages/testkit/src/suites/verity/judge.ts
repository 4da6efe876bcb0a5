import { fromHex, toHex, utf8 } from '@assay/core/bytes';
import {
  decideAccess,
  imaSignatureVerdict,
  labelAlgorithm,
  NOTHING_REMEMBERED,
  type AppraisingKernel,
  type Collected,
} from '@assay/core/appraisal';
import type { LabelKey } from '@assay/core/label';
import { digestText, filenameHint, parseBinaryList } from '@assay/core/measurement';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import { ACCESS, evaluate, plainSubject, type ActivePolicy, type Evaluation } from '@assay/core/policy';
import { verityDescriptor, type VerityResult } from '@assay/core/verity';
import { activePolicy } from '../active-policy.ts';
import { Comparisons } from '../comparisons.ts';
import { certifiedKey } from '../label-key.ts';
import { fileOf, profileOf, textOf, type Agreement, type Files, type GuestAnswer } from '../suite.ts';
import { contentOf, enabledParameters, isTaken, parseFile, pathOf, verityOf, type VerityFile } from './cases.ts';

interface Setting {
  readonly kernel: AppraisingKernel;
  readonly policy: ActivePolicy;
  readonly keys: readonly LabelKey[];
  /** Entries of the list, by path. */
  readonly entries: ReadonlyMap<string, readonly string[]>;
}

/** What a guest found of its files, against what core computes of them. */
export function judgeVerity({ kernel, asked, files }: GuestAnswer): Agreement {
  const profile = profileOf(kernel);
  const setting: Setting = {
    kernel: { version: profile.version, mode: 'enforce', imaHash: 'sha256' },
    policy: activePolicy(textOf(asked, 'policy'), kernel),
    keys: textOf(files, 'keys')
      .trimEnd()
      .split('\n')
      .map((name) => certifiedKey(fileOf(asked, name))),
    entries: entriesByPath(files),
  };
  const all = new Comparisons(`${kernel.series} fs-verity`);
  const rows = textOf(files, 'answers').split('\n');
  for (const [index, line] of textOf(asked, 'files').trimEnd().split('\n').entries()) {
    const file = parseFile(line);
    judgeFile(file, rows[index] ?? '', isTaken(file, kernel.series), { setting, all });
  }
  return all;
}

interface Beside {
  readonly setting: Setting;
  readonly all: Comparisons;
}

function judgeFile(file: VerityFile, row: string, isKnown: boolean, { setting, all }: Beside): void {
  const [, enabled = '', digest = '', descriptor = '', label = '', answers = '', records = ''] = row.split('\t');
  const what = `${pathOf(file)} of ${file.size} bytes (${file.content}, altered: ${file.alteration}, ${file.owner})`;
  const isEnabled = isKnown && file.alteration !== 'not enabled';
  const result = isEnabled ? verityOf(file) : undefined;
  all.compare(`${what} enabled`, enabled, file.alteration === 'not enabled' ? '' : isKnown ? 'ok' : 'E22');
  all.compare(`${what} digest`, digest, result === undefined ? '' : numbered(file, result));
  all.compare(`${what} descriptor`, descriptor, result === undefined ? '' : descriptorOf(file, result));
  const expected = accesses(file, fromHex(label), result, setting);
  all.compare(
    `${what} read twice`,
    `${answers} ${records}`,
    `${expected.answers.join(',')} ${expected.records.join(',')}`,
  );
  if (isUsable(file, isEnabled, label, setting)) all.compare(`${what} as it was signed`, answers, 'ok,ok');
  const entries = setting.entries.get(`/m/${pathOf(file)}`) ?? [];
  all.compare(`${what} measured`, entries.join(), expected.entries.join());
}

/** Digest and fs-verity's number of its algorithm, as FS_IOC_MEASURE_VERITY tells them. */
function numbered({ parameters }: VerityFile, { digest }: VerityResult): string {
  return `${parameters.algorithm === 'sha256' ? 1 : 2}:${toHex(digest)}`;
}

function descriptorOf(file: VerityFile, { root }: VerityResult): string {
  return toHex(verityDescriptor(enabledParameters(file), file.size, root));
}

/** A sound file, signed by a key that the kernel has. */
function isUsable({ alteration, owner }: VerityFile, isEnabled: boolean, label: string, { keys }: Setting): boolean {
  const signer = Number.parseInt(label.slice(6, 14), 16);
  return isEnabled && alteration === 'none' && owner !== 3003 && keys.some(({ keyId }) => keyId === signer);
}

interface Expected {
  readonly answers: readonly string[];
  readonly records: readonly string[];
  readonly entries: readonly string[];
}

function accesses(
  file: VerityFile,
  label: Uint8Array,
  result: VerityResult | undefined,
  { kernel, policy, keys }: Setting,
): Expected {
  const rules = evaluate(policy, {
    func: 'FILE_CHECK',
    mask: ACCESS.MAY_READ,
    subject: plainSubject(0, 0),
    file: { magic: 0xef53n, type: 'ext4', subtype: '', owner: file.owner, group: 0 },
  });
  const collected = collectedOf(file, label, result, { rules, kernel });
  const appraised = {
    label,
    evm: 'unknown',
    empty: file.size === 0,
    signature: (raw: Uint8Array, digest: Exclude<Collected, string>) =>
      imaSignatureVerdict(raw, digest, keys, nodeCrypto),
    collected,
  } as const;
  const first = decideAccess(rules, {}, appraised, kernel, NOTHING_REMEMBERED);
  const second = decideAccess(rules, {}, appraised, kernel, first.memory);
  const records = [first, second].flatMap((decision) => decision.records);
  return {
    answers: [first, second].map(({ allowed }) => (allowed ? 'ok' : 'denied')),
    records: records.map(({ op, cause, success }) => `${op}:${cause}:${success ? 1 : 0}`),
    entries: typeof collected === 'string' || !rules.actions.has('measure') ? [] : [entryOf(rules, collected, label)],
  };
}

function collectedOf(
  file: VerityFile,
  label: Uint8Array,
  result: VerityResult | undefined,
  { rules, kernel }: { readonly rules: Evaluation; readonly kernel: AppraisingKernel },
): Collected {
  if (!rules.demands.verity) {
    const algorithm = labelAlgorithm(label, kernel.imaHash, kernel);
    return { algorithm, value: nodeHasher.digest(algorithm, contentOf(file)) };
  }
  if (result === undefined) return 'no-verity-digest';
  return { algorithm: file.parameters.algorithm, value: result.digest };
}

const SIGNED = new Set([3, 5, 6]);

function entryOf({ template = '' }: Evaluation, digest: Exclude<Collected, string>, label: Uint8Array): string {
  const carried = template === 'ima-sigv2' && SIGNED.has(label[0] ?? 0) ? [toHex(label)] : [];
  return [template, digestText({ ...digest, type: 'verity' }), ...carried].join(' ');
}

/** Of files of the suite. */
function entriesByPath(files: Files): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const { entries } = parseBinaryList(fileOf(files, 'list'), { bank: 'sha1' });
  for (const { template, fields } of entries) {
    const path = filenameHint(fields);
    const { signature = utf8('') } = fields;
    const carried = signature.length === 0 ? [] : [toHex(signature)];
    const shown = [template, digestText(fields.digest), ...carried].join(' ');
    if (path !== undefined) found.set(path, [...(found.get(path) ?? []), shown]);
  }
  return found;
}
