import { fromBase64, toHex, utf8 } from '@assay/core/bytes';
import { verifyEvidence, type KeptState } from '@assay/core/evidence';
import { isHashName } from '@assay/core/hash';
import { bootAggregate, digestText, filenameHint, type MeasurementEntry } from '@assay/core/measurement';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import { checkAttestationKey, parsePublic, type VerifiedAttestationKey } from '@assay/core/tpm';
import { Comparisons, textOf, type Files, type GuestAnswer } from '@assay/testkit/suites';
import { CONTENTS, PROGRAMS } from './names.ts';
import { readRound, type Round } from './round.ts';

/** What was asked for before boot logs were sent. */
const PCRS_BEFORE = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

/** What core has learned of the host so far. */
interface Known {
  kept: KeptState | null;
}

/** Judges the boots of one guest: what its evidence says to core, and what the verifier said of it. */
export function judgeBoots(answers: readonly GuestAnswer[]): Comparisons[] {
  const known: Known = { kept: null };
  return answers.map((answer, index) => judgeBoot(answer, index, known));
}

function judgeBoot({ kernel, files }: GuestAnswer, index: number, known: Known): Comparisons {
  const all = new Comparisons(`${kernel.series} boot ${index + 1}`);
  const rounds = linesOf(files, 'rounds').map(readRound);
  const ak = checkAttestationKey(parsePublic(fromBase64(textOf(files, 'ak'))), nodeHasher);
  const resetsBefore = known.kept?.resetCount;
  const proved = verifyRounds(rounds, ak, known, all);
  all.compare('the list that was verified', textOf(files, 'list'), shownList(proved));
  compareAggregate(rounds, proved, all);
  compareHost(files, known, { all, release: kernel.release });
  all.compare('verdicts in their order', VERDICTS[index] ?? '', verdictsOf(rounds).join(' '));
  all.holds('the TPM was reset', index === 0 || (known.kept?.resetCount ?? 0) > (resetsBefore ?? Infinity));
  compareFindings(linesOf(files, 'findings'), index === 0, proved, all);
  return all;
}

function linesOf(files: Files, name: string): string[] {
  return textOf(files, name)
    .split('\n')
    .filter((line) => line !== '');
}

/** Nothing to compare with, then captured, then attacked; after the reboot nothing is left to be done by hand. */
const VERDICTS = ['unverified trusted failed', 'trusted'];

function verdictsOf(rounds: readonly Round[]): string[] {
  const verdicts = rounds.map(({ decision }) => decision.verdict);
  return verdicts.filter((verdict, index) => verdict !== verdicts[index - 1]);
}

interface About {
  readonly all: Comparisons;
  readonly release: string;
}

/** What the verifier shows of the host. */
function compareHost(files: Files, { kept }: Known, { all, release }: About): void {
  const [kernel = '', source = '', entries = '', resets = ''] = textOf(files, 'host').split('\t');
  all.compare('release', release, kernel);
  all.compare('source of the list', 'kernel', source);
  all.compare('entries', String(kept?.entries), entries);
  all.compare('resets of the TPM', String(kept?.resetCount), resets);
  all.compare('enrolments', '1', textOf(files, 'enrolments'));
}

const ATTACKS = [
  { code: 'IMA-DIGEST-CHANGED', path: PROGRAMS.known, content: CONTENTS.tampered },
  { code: 'IMA-UNKNOWN-DIGEST', path: PROGRAMS.unknown, content: CONTENTS.unknown },
];

/** The findings name both programs of the attack, with what the kernel recorded of them, and nothing else. */
function compareFindings(found: readonly string[], isAttacked: boolean, { entries }: Proved, all: Comparisons): void {
  const recorded = entries.map(({ fields }) => `${digestText(fields.digest)}\t${filenameHint(fields)}`);
  const expected = (isAttacked ? ATTACKS : []).map(({ code, path, content }) => {
    const entry = `sha256:${toHex(nodeHasher.digest('sha256', utf8(content)))}\t${path}`;
    return recorded.includes(entry) ? `${code}\t${entry}` : `${path} not measured`;
  });
  all.compare('findings', expected.toSorted().join('; '), found.toSorted().join('; '));
}

interface Proved {
  readonly entries: readonly MeasurementEntry[];
  readonly bytes: Uint8Array;
}

/** Verifies what was sent, as the verifier did it, and says where core decides otherwise now. */
function verifyRounds(rounds: readonly Round[], ak: VerifiedAttestationKey, known: Known, all: Comparisons): Proved {
  const entries: MeasurementEntry[] = [];
  let bytes = new Uint8Array();
  const others: string[] = [];
  for (const [index, round] of rounds.entries()) {
    const { message, signature, nonce, session, facts, pcrs, list, decision, asked = PCRS_BEFORE, eventLog } = round;
    const input = {
      ak,
      message,
      signature,
      nonce,
      session,
      facts,
      pcrs,
      list,
      ...(eventLog === undefined ? {} : { eventLog }),
      selection: [{ bank: 'sha256' as const, pcrs: asked }],
      kept: known.kept,
    };
    const result = verifyEvidence(input, nodeCrypto);
    if (result.ok) {
      known.kept = result.evidence.state;
      entries.push(...result.evidence.entries);
      bytes = Buffer.concat([bytes.subarray(0, list.fromOffset), list.bytes]);
    }
    const errors = result.ok ? [] : result.errors.map(({ code }) => code);
    if (errors.join() !== decision.errors.join()) others.push(`${index + 1}: ${errors.join() || 'verified'}`);
  }
  all.compare('rounds that core judges otherwise', '', others.join(', '));
  return { entries, bytes };
}

/** As the guest tells of the beginning of the kernel's list. */
function shownList({ bytes }: Proved): string {
  return `${bytes.length} ${toHex(nodeHasher.digest('sha256', bytes))}`;
}

function compareAggregate(rounds: readonly Round[], { entries: [first] }: Proved, all: Comparisons): void {
  const algorithm = first?.fields.digest?.algorithm ?? '';
  const pcrs = rounds[0]?.pcrs ?? new Map();
  const expected = isHashName(algorithm) ? toHex(bootAggregate(nodeHasher, algorithm, pcrs)) : '';
  all.compare('boot_aggregate', digestText(first?.fields.digest), `${algorithm}:${expected}`);
}
