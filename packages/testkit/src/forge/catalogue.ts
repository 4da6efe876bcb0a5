/** A kind of forgery that a verifier has to withstand, and where Assay is tried with it. docs/adversary.md is written from these. */
export interface AdversaryCase {
  readonly number: number;
  readonly title: string;
  /** Codes and other answers of Assay, in the order in which they are first given; `accept` where it is no attack. */
  readonly answers: readonly string[];
  /** Functions of the kit that make it. */
  readonly kit: readonly string[];
  /** Tests that name it, besides the one over the whole kit. */
  readonly tests: readonly string[];
}

type Row = readonly [title: string, answers: string, kit: string, tests?: string];

const ENROLMENT = 'verifier/test/enrolment.test.ts';
const ADMISSION = 'verifier/test/admission.test.ts';
const REFUSALS = 'verifier/test/refusals.test.ts';
const SERVICE = 'verifier/test/adversary.test.ts';

/** By number, from 1; lists are separated by blanks. */
const ROWS: readonly Row[] = [
  ['a magic that no TPM writes', 'QUOTE-MAGIC', 'quoteAttacks'],
  ['what other commands sign', 'QUOTE-MAGIC', 'quoteAttacks'],
  ['another attestation whose contents look like a quote', 'QUOTE-MAGIC', 'quoteAttacks'],
  ['bytes behind the message or the signature', 'BYTES-TRAILING', 'quoteAttacks'],
  ['message, signature or key cut at any byte', 'unreadable', 'truncations'],
  ['sizes that lie', 'unreadable', 'quoteAttacks'],
  ['counts that lie, up to 2^32 - 1', 'unreadable', 'quoteAttacks'],
  ['PCR masks of other sizes', 'unreadable', 'quoteAttacks'],
  ['a quote sent a second time', 'QUOTE-NONCE', 'roundAttacks', REFUSALS],
  ['part of the question, or more than it', 'QUOTE-NONCE', 'quoteAttacks roundAttacks'],
  ['the question of another host', 'QUOTE-NONCE', 'quoteAttacks roundAttacks', REFUSALS],
  ['an answer that comes late', 'QUOTE-NONCE', '', REFUSALS],
  ['questions that repeat or are short', 'QUOTE-NONCE', 'quoteAttacks', SERVICE],
  ['the question in another encoding', 'QUOTE-NONCE', 'quoteAttacks roundAttacks'],
  ['a signature by another key', 'QUOTE-SIGNATURE', 'quoteAttacks', REFUSALS],
  ['another scheme or hash than the key has', 'QUOTE-SIGNATURE', 'quoteAttacks'],
  ['an HMAC, or no signature', 'TPM-STRUCTURE', 'quoteAttacks'],
  ['ECDSA numbers out of range or in another form', 'QUOTE-SIGNATURE unreadable accept', 'quoteAttacks quotesToAccept'],
  ['a key that signs anything', 'AK-ATTRIBUTES', 'quoteAttacks', ENROLMENT],
  ['a key that may leave its TPM, decrypts or has no scheme', 'AK-ATTRIBUTES', 'quoteAttacks'],
  ['a weak key', 'AK-ATTRIBUTES TPM-STRUCTURE', 'quoteAttacks'],
  [
    'a public area with reserved bits, bytes behind it, or another name',
    'TPM-STRUCTURE BYTES-TRAILING QUOTE-SIGNATURE',
    'quoteAttacks',
  ],
  ['a key without its attributes', 'unreadable', 'quoteAttacks', SERVICE],
  ['the certificate of another endorsement key', 'EK-CERTIFICATE', 'endorsementAttacks'],
  ['an endorsement key that was made outside', 'EK-UNTRUSTED', 'endorsementAttacks', ENROLMENT],
  ['the credential of one key answered with another', 'TPM-RESPONSE', '', ENROLMENT],
  [
    'an answer to a credential that is wrong, late, given twice or by somebody else',
    'ENROLMENT-SECRET ENROLMENT-UNKNOWN',
    '',
    ENROLMENT,
  ],
  ['a name that another key has', 'ENROLMENT-WAITS HOST-DUPLICATE', '', ADMISSION],
  ['one endorsement key under two names', 'ENROLMENT-WAITS EK-DUPLICATE', '', ADMISSION],
  [
    'certificate paths that lend no trust',
    'CERT-CHAIN CERT-AUTHORITY CERT-VALIDITY CERT-USE CERT-EXTENSION CERT-ALGORITHM CERT-SIGNATURE CERT-NAME BYTES-LIMIT accept',
    'endorsementAttacks endorsementsToAccept',
  ],
  ['certificates that are not strict DER', 'DER-FORM', 'endorsementAttacks'],
  ['the certificate of another cloud instance', '', ''],
  ['a selection that is not the one asked for', 'QUOTE-SELECTION', 'quoteAttacks roundAttacks'],
  ['an empty selection', 'QUOTE-SELECTION', 'quoteAttacks roundAttacks'],
  ['one bank twice', 'QUOTE-SELECTION', 'quoteAttacks roundAttacks'],
  ['a bank that the TPM does not keep', 'QUOTE-SELECTION', 'quoteAttacks', 'linux/test/tpm-banks.test.ts'],
  ['PCR values that are more, fewer, moved or of another size', 'QUOTE-PCR-DIGEST', 'quoteAttacks roundAttacks'],
  ['a digest of the values by another hash', 'QUOTE-PCR-DIGEST', 'quoteAttacks roundAttacks'],
  ['an active bank that the firmware did not extend', 'BOOT-EVENTLOG', 'eventLogAttacks'],
  ['PCRs that the host can reset', 'QUOTE-SELECTION', 'quoteAttacks roundAttacks'],
  ['counters or clock that went back', 'QUOTE-CLOCK-BACK', 'roundAttacks'],
  ['a restart, which clears PCR 10', 'IMA-LOG-GAP accept', 'roundAttacks roundsToAccept'],
  ['a clock that is not safe', 'accept', 'quotesToAccept roundsToAccept'],
  ['other firmware in the TPM', 'accept', 'roundsToAccept'],
  ['a list that is not of this boot', 'IMA-LOG-GAP IMA-REPLAY IMA-LOG-SHORT', 'roundAttacks'],
  ['boot records relabelled, added or in another order', 'secure-boot-unknown', 'eventLogAttacks'],
  ['data of records that are not what was hashed', 'not-proved', 'eventLogAttacks'],
  ['EV_NO_ACTION and StartupLocality', 'EVENTLOG-EVENT BOOT-EVENTLOG accept', 'eventLogAttacks eventLogsToAccept'],
  [
    'a first record that declares banks no TPM has',
    'EVENTLOG-SPEC-ID BYTES-LIMIT BYTES-TRUNCATED BYTES-TRAILING',
    'eventLogAttacks',
  ],
  ['boot records with counts, PCRs or sizes that lie', 'EVENTLOG-EVENT BYTES-LIMIT BYTES-TRUNCATED', 'eventLogAttacks'],
  ['a boot log that is cut, or in another order', 'BOOT-EVENTLOG accept', 'eventLogAttacks eventLogsToAccept'],
  ['UEFI variables and signature lists whose sizes lie', 'secure-boot-unknown', 'eventLogAttacks'],
  ['Secure Boot that is claimed and not proved', 'secure-boot-unknown', 'eventLogAttacks'],
  [
    'kernel command lines that are several or not proved',
    'command-line-unknown BOOT-EVENTLOG accept',
    'eventLogAttacks eventLogsToAccept',
  ],
  ['a boot_aggregate that is not of the quoted PCRs', 'BOOT-AGGREGATE', 'roundAttacks'],
  ['a weaker hash, bank or scheme than was asked for', 'QUOTE-SIGNATURE QUOTE-SELECTION', 'quoteAttacks roundAttacks'],
  ['evidence of another host passed on', 'QUOTE-NONCE QUOTE-SIGNATURE', 'roundAttacks', REFUSALS],
  ['bodies that are compressed, or nested without end', 'REQUEST-MALFORMED REQUEST-INVALID', '', SERVICE],
];

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');

/** Every case, by its number. */
export const ADVERSARY: readonly AdversaryCase[] = ROWS.map(([title, answers, kit, tests = ''], index) => ({
  number: index + 1,
  title,
  answers: words(answers),
  kit: words(kit),
  tests: words(tests),
}));
