import { closeSync, constants, openSync } from 'node:fs';
import { labelAlgorithm } from '@assay/core/appraisal';
import { equalBytes } from '@assay/core/bytes';
import { LABEL_TYPES } from '@assay/core/label';
import { activate, type KernelProfile, type PlacedRule } from '@assay/core/policy';
import {
  dependsOnElf,
  emptyTally,
  Preflight,
  roleOf,
  tally,
  type PreflightFile,
  type PreflightOptions,
  type PreflightTally,
  type PreflightVerdict,
} from '@assay/core/preflight';
import { hashFile } from '@assay/linux/files';
import { imaLabel, isElf, Survey, type SurveyedFile } from '@assay/linux/survey';

/** All that a thread needs to judge files. */
export interface ScanSetup {
  readonly rules: readonly PlacedRule[];
  readonly failSecurely: boolean;
  readonly profile: KernelProfile;
  readonly options: PreflightOptions;
  /** One character per byte. */
  readonly root: string;
  /** Components below the root by which directories are told apart. */
  readonly depth: number;
  /** Compares the content with digests in labels. */
  readonly verify: boolean;
  readonly oneFileSystem: boolean;
}

/** What was found in a part of a tree. */
export interface ScanResult {
  readonly tally: PreflightTally;
  /** Files of many names, which another thread may meet, too: by their identity, not counted yet. */
  readonly linked: Map<string, PreflightFile>;
  readonly problems: { readonly path: string; readonly reason: string }[];
}

export function emptyResult(): ScanResult {
  return { tally: emptyTally(), linked: new Map(), problems: [] };
}

const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/** Looks at directories and judges the files in them. */
export class Scan {
  readonly #setup: ScanSetup;
  readonly #survey: Survey;
  readonly #preflight: Preflight;

  constructor(setup: ScanSetup) {
    const policy = activate(setup.rules, setup.profile, { failSecurely: setup.failSecurely });
    this.#setup = setup;
    this.#survey = new Survey(setup.oneFileSystem);
    this.#preflight = new Preflight(policy, setup.options);
  }

  /** The files of one directory. @returns the directories in it */
  directory(path: string, into: ScanResult): string[] {
    const below: string[] = [];
    for (const found of this.#survey.directory(path)) {
      if (found.kind === 'directory') below.push(found.path);
      else if (found.kind === 'problem') into.problems.push({ path: found.path, reason: found.reason });
      else this.#file(found, into);
    }
    return below;
  }

  /** A directory with all that is below it. */
  tree(path: string, into: ScanResult): void {
    const waiting = [path];
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) waiting.push(...this.directory(at, into));
  }

  /** Judges a file and counts it. */
  count(file: PreflightFile, into: PreflightTally): void {
    tally(into, file, this.#judge(file), this.#countedUnder(file.path));
  }

  #file(found: SurveyedFile, into: ScanResult): void {
    const role = roleOf(found.path);
    const elf = dependsOnElf(found.mode, role) && isElf(found.path);
    const file = { ...found, role, isElf: elf, label: imaLabel(found.path) };
    if (found.links > 1) into.linked.set(found.identity, file);
    else this.count(file, into.tally);
  }

  #judge(file: PreflightFile): PreflightVerdict {
    const verdict = this.#preflight.judge(file);
    if (!this.#setup.verify || !verdict.appraised || verdict.refusals.length > 0) return verdict;
    const content = compareContent(file, this.#setup.options.kernel);
    return content === undefined ? verdict : this.#preflight.judge({ ...file, content });
  }

  #countedUnder(path: string): string {
    const { root, depth } = this.#setup;
    const from = root === '/' ? 0 : root.length;
    let end = from;
    for (let component = 0; component < depth; component++) {
      const next = path.indexOf('/', end + 1);
      if (next < 0) break;
      end = next;
    }
    return end === from ? root : path.slice(0, end);
  }
}

const DIGEST_AT: ReadonlyMap<number | undefined, number> = new Map([
  [LABEL_TYPES.legacyDigest, 1],
  [LABEL_TYPES.digest, 2],
]);

/** Undefined where the label is no digest, or the content cannot be digested here. */
function compareContent(
  { path, label }: PreflightFile,
  kernel: PreflightOptions['kernel'],
): 'equal' | 'different' | undefined {
  if (label === null || typeof label === 'string') return undefined;
  const start = DIGEST_AT.get(label[0]);
  if (start === undefined) return undefined;
  let fd: number | undefined;
  try {
    fd = openSync(Buffer.from(path, 'latin1'), OPEN_FLAGS);
    const algorithm = labelAlgorithm(label, kernel.imaHash, kernel);
    const hashed = hashFile(fd, [algorithm], () => false);
    const digest = hashed.outcome === 'hashed' ? hashed.digests.get(algorithm) : undefined;
    if (digest === undefined) return undefined;
    return equalBytes(label.subarray(start, start + digest.length), digest) ? 'equal' : 'different';
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
