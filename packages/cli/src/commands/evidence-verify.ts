import { fromBase64, fromHex, toHex, strictJson } from '@assay/core/bytes';
import { FormatError, VerificationError } from '@assay/core/errors';
import { type EvidenceInput, stepOf, verifyEvidence, type VerifiedEvidence } from '@assay/core/evidence';
import { parseEventLog, verifyEventLog, type ParsedEventLog, type VerifiedEventLog } from '@assay/core/eventlog';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import { checkAttestationKey, parsePublic } from '@assay/core/tpm';
import { EvidenceBundle } from '@assay/wire';
import { z } from 'zod';
import { boundedContent } from '../bounded-file.ts';
import { EXIT } from '../exit.ts';
import { OutputOptions, optionsFrom } from '../options.ts';
import { printJson, remedyOf } from '../output/report.ts';
import { colours, shown, table } from '../output/terminal.ts';

/** A list of 48 MiB in base64, and what stands around it. */
const LIMIT = 96 * 1024 * 1024;

const VerifyOptions = OutputOptions.extend({
  key: z
    .string()
    .regex(/^[0-9a-f]{68,132}$/, 'is the name of a key')
    .optional(),
});

type Answer =
  | { readonly evidence: VerifiedEvidence; readonly keyName: string; readonly log: VerifiedEventLog | undefined }
  | { readonly refused: VerificationError };

/**
 * `assay evidence verify FILE`: exit code 0 when the key of the bundle signed exactly these values for its question, and the
 * list leads to them; else 1.
 */
export async function verifyBundle(path: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(VerifyOptions, given);
  const bundle = bundleIn(await boundedContent(z.string().parse(path), LIMIT));
  const answer = answerOf(bundle, options.key);
  if (options.output === 'json') printJson({ schema: 'assay.evidence-verify.v1', ...documentOf(bundle, answer) });
  else process.stdout.write(textOf(bundle, answer));
  return 'evidence' in answer ? EXIT.fine : EXIT.no;
}

/** @throws FormatError INPUT-FILE */
function bundleIn(content: Buffer): EvidenceBundle {
  const parsed = EvidenceBundle.safeParse(strictJson(content, 'INPUT-FILE'));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new FormatError(
    'INPUT-FILE',
    `it is no evidence bundle: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
  );
}

/** @param expected name of the key that it must be by, where the caller knows it */
function answerOf(bundle: EvidenceBundle, expected: string | undefined): Answer {
  try {
    const ak = checkAttestationKey(parsePublic(fromBase64(bundle.akPublic)), nodeHasher);
    const keyName = toHex(ak.name);
    if (expected !== undefined && expected !== keyName) {
      return { refused: new VerificationError('AK-UNKNOWN', `it is by the key ${keyName}, not by the one given`) };
    }
    const result = verifyEvidence(inputOf(bundle, ak), nodeCrypto);
    const [first] = result.ok ? [] : result.errors;
    if (result.ok) return { evidence: result.evidence, keyName, log: logIn(bundle, result.evidence) };
    return { refused: first ?? new VerificationError('EVIDENCE-FORMAT', 'it does not verify') };
  } catch (error) {
    if (error instanceof VerificationError) return { refused: error };
    throw error;
  }
}

function inputOf(bundle: EvidenceBundle, ak: EvidenceInput['ak']): EvidenceInput {
  const pcrs = Object.entries(bundle.pcrs).map(([index, value]) => [Number(index), fromHex(value)] as const);
  return {
    ak,
    nonce: fromHex(bundle.nonce),
    session: bundle.session,
    selection: [{ bank: 'sha256', pcrs: pcrs.map(([index]) => index).toSorted((a, b) => a - b) }],
    facts: bundle.facts,
    message: fromBase64(bundle.quote.message),
    signature: fromBase64(bundle.quote.signature),
    pcrs: new Map(pcrs),
    ...boundTo(bundle),
    list: { bank: bundle.list.bank, fromEntry: 1, fromOffset: 0, bytes: fromBase64(bundle.list.entries) },
    kept: null,
  };
}

/** @throws FormatError INPUT-FILE where the quote is bound to a log that is not there */
function boundTo({ bound, eventLog }: EvidenceBundle): Pick<EvidenceInput, 'eventLog'> {
  if (bound === undefined) return {};
  if (bound !== 'event-log') return { eventLog: bound };
  if (eventLog !== undefined) return { eventLog: fromBase64(eventLog) };
  throw new FormatError('INPUT-FILE', 'the quote is bound to a boot event log, and the file holds none');
}

/** @throws VerificationError BOOT-EVENTLOG; FormatError where it is no base64 */
function logIn({ eventLog }: EvidenceBundle, evidence: VerifiedEvidence): VerifiedEventLog | undefined {
  if (eventLog === undefined) return undefined;
  return verifyEventLog(readLog(fromBase64(eventLog)), evidence.quote, nodeHasher);
}

/** The quote is bound to what the host sent: that it cannot be read is an answer about the host, not about the file. */
function readLog(bytes: Uint8Array): ParsedEventLog {
  try {
    return parseEventLog(bytes);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new VerificationError('BOOT-EVENTLOG', `the boot event log cannot be read: ${error.message}`, error.place);
  }
}

function documentOf({ host, receivedAt }: EvidenceBundle, answer: Answer): object {
  if ('refused' in answer) {
    const { code, message, place } = answer.refused;
    return { verified: false, host: host.name, step: stepOf(code), code, message, remedy: remedyOf(code), place };
  }
  const { evidence, keyName, log } = answer;
  const { entries, resetCount, restartCount, clock } = evidence.state;
  return {
    verified: true,
    host: host.name,
    receivedAt,
    key: keyName,
    entries,
    resetCount,
    restartCount,
    clock: clock.toString(),
    pcrs: [...evidence.pcrs].map(([pcr, value]) => ({ bank: 'sha256', pcr, value: toHex(value) })),
    eventLog: log === undefined ? null : logDocument(log),
  };
}

function logDocument(log: VerifiedEventLog): object {
  const { bank, pcrs, quirks } = log;
  const events = log.events().length;
  return { bank, pcrs, quirks, events, secureBoot: log.secureBoot() ?? null, commandLine: log.commandLine() };
}

function textOf({ host, receivedAt }: EvidenceBundle, answer: Answer): string {
  const colour = colours(1);
  if ('refused' in answer) {
    const { code, message } = answer.refused;
    return `${colour.red('refused')} ${code}: ${shown(message)}\n${colour.dim('what to do')} ${remedyOf(code)}\n`;
  }
  const { evidence, keyName, log } = answer;
  const { entries, resetCount, restartCount, clock } = evidence.state;
  return [
    `${colour.green('verified')}: one TPM signed the PCR values to which these ${entries} entries lead\n`,
    table([
      ['  key name', keyName],
      ['  boot', `reset ${resetCount}, restart ${restartCount}, clock ${clock} ms`],
      ['  PCR 10', toHex(evidence.state.pcr)],
      ['  received', `${receivedAt} as ${host.name}, by the word of the file`],
      ...(log === undefined ? [] : logRows(log)),
    ]),
    `${colour.yellow('note')} Whose key it is, and that it is of today, the file cannot show: compare the name of the key.\n`,
  ].join('');
}

function logRows(log: VerifiedEventLog): string[][] {
  const line = log.commandLine();
  return [
    ['  boot log', `${log.events().length} events lead to PCR ${log.pcrs.join(', ')}`],
    ['  Secure Boot', log.secureBoot()?.state ?? 'unknown'],
    ['  command line', line.state === 'measured' ? shown(line.text) : `unknown, since ${line.reason}`],
  ];
}
