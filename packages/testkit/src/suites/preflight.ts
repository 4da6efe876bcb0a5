import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { labelAlgorithm } from '@assay/core/appraisal';
import { equalBytes, fromHex, toHex, utf8 } from '@assay/core/bytes';
import { LABEL_TYPES } from '@assay/core/label';
import { nodeHasher } from '@assay/core/node';
import { parseKernelVersion, type ActivePolicy, type KernelProfile } from '@assay/core/policy';
import { ASSUMPTION_NAMES, Preflight, roleOf, type Assumption, type PreflightFile } from '@assay/core/preflight';
import { activePolicy } from './active-policy.ts';
import type { KernelSeries } from '../lab/index.ts';
import { labelKey } from './label-key.ts';
import { FILE_SYSTEMS } from './policy-cases.ts';
import { isElf, MIXED_POLICY, usedFiles, USERS, type UsedFile } from './preflight-cases.ts';
import { profileOf, textOf, type Agreement, type Guest, type GuestAnswer, type Suite } from './suite.ts';

const FILES = { all: 400, few: 60 } as const;
const TIMEOUT_MS = 20 * 60 * 1000;
const TEMPLATE = 'ima-sig';

const POLICIES = new URL('../../../../docs/policies/', import.meta.url);

/** A policy for each boot; those of docs/policies are about the guest's own programs, too. */
const BOOTS = ['mixed', 'bastion-enforce', 'container-host'] as const;

/** Which files `assay policy simulate` says that `ima_appraise=enforce` refuses, and what comes into the list. */
export const preflight: Suite = {
  name: 'preflight',
  title: 'preflight: files that enforce refuses, entries of the list',
  guests: async ({ kernel, seed, few }) => {
    const boots = few ? BOOTS.slice(0, 1) : BOOTS;
    return Promise.all(boots.map(async (boot, index) => guestOf(boot, kernel, seed + index, few)));
  },
  judge: (answers) => {
    const all = answers.map(judgeBoot);
    return {
      cases: all.reduce((sum, { cases }) => sum + cases, 0),
      disagreements: all.flatMap(({ disagreements }) => disagreements),
    };
  },
};

async function guestOf(boot: (typeof BOOTS)[number], series: KernelSeries, seed: number, few: boolean): Promise<Guest> {
  const isMixed = boot === 'mixed';
  const policy = isMixed ? lines(MIXED_POLICY) : await readFile(new URL(`${boot}.policy`, POLICIES));
  const key = labelKey(generateKeyPairSync('rsa', { modulusLength: 2048 }), 'labels');
  const files = usedFiles(seed, few ? FILES.few : FILES.all, key, { version: parseKernelVersion(series) });
  return {
    program: 'preflight.py',
    files: new Map([
      ['policy', policy],
      ['whole', lines([isMixed ? 'part' : 'whole'])],
      ['key.der', key.certificate],
      ['filesystems', lines(FILE_SYSTEMS.map(({ name, type, uuid = '' }) => [name, type, uuid].join('\t')))],
      ['files', lines(files.map(fileLine))],
    ]),
    cmdline: `ima_appraise=enforce ima_template=${TEMPLATE}`,
    timeoutMs: TIMEOUT_MS,
  };
}

function lines(all: readonly string[]): Uint8Array {
  return utf8(all.map((line) => `${line}\n`).join(''));
}

function fileLine({ path, owner, group, mode, content, label, accesses }: UsedFile): string {
  return [path, owner, group, mode.toString(8), toHex(content), toHex(label), accesses.join()].join('\t');
}

function parseFile(line: string): UsedFile {
  const [path = '', owner, group, mode = '', content = '', label = '', accesses = ''] = line.split('\t');
  return {
    path,
    owner: Number(owner),
    group: Number(group),
    mode: Number.parseInt(mode, 8),
    content: fromHex(content),
    label: fromHex(label),
    accesses: accesses.split(',').flatMap((name) => ASSUMPTION_NAMES.filter((known) => known === name)),
  };
}

function judgeBoot({ kernel, asked, files }: GuestAnswer): Agreement {
  const profile = profileOf(kernel);
  const policy = activePolicy(textOf(asked, 'policy'), kernel);
  const used = textOf(asked, 'files').trimEnd().split('\n').map(parseFile);
  const outcomes = textOf(files, 'outcomes').split('\n');
  const entries = entriesByPath(textOf(files, 'list'));
  const disagreements = used.flatMap((file, index) => {
    const verdict = judge(file, policy, profile);
    const said = { refused: refusedIn(file, outcomes[index] ?? ''), entries: entries.get(file.path) ?? [] };
    const isSame = agrees(file, verdict, said);
    return isSame ? [] : [`${kernel.series} ${fileLine(file)}: the kernel says ${shown(said)}, core ${shown(verdict)}`];
  });
  return { cases: used.length, disagreements };
}

/** What becomes of a file. */
interface Fate {
  readonly refused: readonly Assumption[];
  /** PCR and template of each entry. */
  readonly entries: readonly string[];
}

function shown({ refused, entries }: Fate): string {
  return `refused [${refused.join()}], measured [${entries.join()}]`;
}

function judge(file: UsedFile, policy: ActivePolicy, { version }: KernelProfile): Fate {
  const kernel = { version, mode: 'enforce', imaHash: 'sha256' } as const;
  const preflightOf = new Preflight(policy, { kernel, assumptions: file.accesses, users: USERS, template: TEMPLATE });
  const { refusals, entries } = preflightOf.judge(factsOf(file, kernel));
  return {
    refused: refusals.map(({ assumption }) => assumption),
    entries: entries.map(({ pcr, template }) => `${pcr} ${template}`),
  };
}

function factsOf(
  { path, owner, group, mode, content, label }: UsedFile,
  kernel: Pick<KernelProfile, 'version'>,
): PreflightFile {
  const fileSystem = FILE_SYSTEMS.find(({ name }) => name === path.split('/')[2]);
  if (fileSystem === undefined) throw new RangeError(`no file system has ${path}`);
  const { magic, type, uuid } = fileSystem;
  const found = label.length === 0 ? null : label;
  return {
    path,
    size: content.length,
    mode,
    owner,
    group,
    fileSystem: { magic, type, ...(uuid === undefined ? {} : { uuid }) },
    role: roleOf(path),
    isElf: isElf(content),
    label: found,
    content: contentFits(content, found, kernel) ? 'equal' : 'different',
  };
}

const DIGEST_AT: ReadonlyMap<number | undefined, number> = new Map([
  [LABEL_TYPES.legacyDigest, 1],
  [LABEL_TYPES.digest, 2],
]);

/** As `--verify` finds it; whatever is no digest fits. */
function contentFits(content: Uint8Array, label: Uint8Array | null, kernel: Pick<KernelProfile, 'version'>): boolean {
  const start = DIGEST_AT.get(label?.[0]);
  if (label === null || start === undefined) return true;
  const digest = nodeHasher.digest(labelAlgorithm(label, 'sha256', kernel), content);
  return equalBytes(label.subarray(start, start + digest.length), digest);
}

/** Accesses that went well before the policy was loaded, or failed otherwise. */
function refusedIn({ accesses }: UsedFile, line: string): Assumption[] {
  const [before = '', after = ''] = line.split('\t');
  const ends = after.split(',');
  return accesses.filter((_, index) => before.split(',')[index] !== ends[index]);
}

function entriesByPath(list: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const line of list.split('\n')) {
    const [pcr, , template, , path = ''] = line.split(' ');
    found.set(path, [...(found.get(path) ?? []), `${pcr} ${template}`]);
  }
  return found;
}

/**
 * What one access demands of a file stays demanded, so that others may be refused after it. Where an access is refused
 * there, what would have followed is not measured.
 */
function agrees({ accesses }: UsedFile, expected: Fate, said: Fate): boolean {
  const isRefused = said.refused.length > 0;
  const sameRefusals =
    accesses.length === 1 ? said.refused.join() === expected.refused.join() : isRefused === expected.refused.length > 0;
  const sameEntries = isRefused
    ? said.entries.every((entry) => expected.entries.includes(entry))
    : said.entries.join() === expected.entries.join();
  return sameRefusals && sameEntries;
}
