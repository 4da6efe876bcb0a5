import type { FindingCode } from '../errors/index.ts';
import type { SecureBoot, VerifiedEventLog } from '../eventlog/index.ts';
import { severityOf, type Explanation, type FindingDraft } from './findings.ts';

/** What a proved log says of a boot that should be so in the next one too. */
export interface BootFacts {
  readonly secureBoot: SecureBoot['state'];
  /** Escaped for people; null where no log tells it. */
  readonly commandLine: string | null;
}

export function bootFactsOf(log: VerifiedEventLog): BootFacts {
  const line = log.commandLine();
  return {
    secureBoot: log.secureBoot()?.state ?? 'unknown',
    commandLine: line.state === 'measured' ? line.text : null,
  };
}

/** The log of a boot that does not lead to the quoted PCRs, or cannot be read. @param reason of the check, without a full stop */
export function eventLogFinding(host: string, reason: string): FindingDraft {
  const explanation: Explanation[] = [
    { cause: 'The firmware logs an event too few or too many, as some do.', confidence: 'medium' },
    { cause: 'The log was changed on the host, or is of another boot.', confidence: 'medium' },
    { cause: 'Something extended a PCR of the boot after the firmware had written its log.', confidence: 'low' },
  ];
  return draftOf(host, 'BOOT-EVENTLOG', `The boot of ${host} is not explained: ${reason}.`, explanation);
}

/** What is another than in the boot before. @param host name of the host */
export function bootChanges(host: string, before: BootFacts, now: BootFacts): FindingDraft[] {
  return [...secureBootChange(host, before, now), ...commandLineChange(host, before, now)];
}

const SECURE_BOOT = { on: 'on', off: 'off', unknown: 'not known for sure' } as const;

function secureBootChange(
  host: string,
  { secureBoot: before }: BootFacts,
  { secureBoot: now }: BootFacts,
): FindingDraft[] {
  if (before === now) return [];
  const sentence = `Secure Boot of ${host} is ${SECURE_BOOT[now]}, and was ${SECURE_BOOT[before]} in the boot before.`;
  const cause =
    now === 'unknown'
      ? 'The records of PCR 7 are not those of a boot whose state is clear: keys, drivers or a debugger came in.'
      : 'Somebody changed it in the setup of the firmware, or the keys of the firmware were changed.';
  return [draftOf(host, 'BOOT-SECUREBOOT', sentence, [{ cause, confidence: 'high' }])];
}

function commandLineChange(
  host: string,
  { commandLine: before }: BootFacts,
  { commandLine: now }: BootFacts,
): FindingDraft[] {
  if (before === null || now === null) return [];
  const [old, present] = [parametersOf(before), parametersOf(now)];
  const added = present.filter((word) => !old.includes(word));
  const gone = old.filter((word) => !present.includes(word));
  if (added.length + gone.length === 0) return [];
  const what = [wordsText('has now', added), wordsText('has no more', gone)]
    .filter((text) => text !== '')
    .join(', and ');
  const sentence = `The kernel command line of ${host} ${what}.`;
  const cause = 'Somebody changed the configuration of the boot loader, or edited the line at the start.';
  return [draftOf(host, 'BOOT-COMMAND-LINE', sentence, [{ cause, confidence: 'high' }])];
}

/** Without the names of the kernel and the initrd, which are others after each update: their content is measured elsewhere. */
function parametersOf(commandLine: string): string[] {
  const words = commandLine.split(' ').filter((word) => word !== '');
  const parameters = /^[/(]/.test(words[0] ?? '') ? words.slice(1) : words;
  return parameters.filter((word) => !/^(?:BOOT_IMAGE|initrd)=/.test(word));
}

/** Words of a sentence, and their characters. */
const WORDS_SHOWN = 6;
const WORD_LENGTH = 60;

function wordsText(verb: string, words: readonly string[]): string {
  if (words.length === 0) return '';
  const shown = words
    .slice(0, WORDS_SHOWN)
    .map((word) => (word.length > WORD_LENGTH ? `${word.slice(0, WORD_LENGTH)}…` : word));
  const more = words.length > WORDS_SHOWN ? ` and ${words.length - WORDS_SHOWN} more` : '';
  return `${verb} ${shown.join(' ')}${more}`;
}

function draftOf(
  host: string,
  code: Extract<FindingCode, `BOOT-${string}`>,
  sentence: string,
  explanation: readonly Explanation[],
): FindingDraft {
  return {
    code,
    severity: severityOf(code),
    sentence,
    evidence: { entry: null, template: null, digest: null, filenameHint: null },
    explanation,
    next: [`assay hosts boot ${host}`],
  };
}
