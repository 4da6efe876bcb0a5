import { FORMAT_CODES, type FindingCode, type FormatCode } from '../errors/index.ts';

/** The checks of evidence, in the order in which they are made (docs/evidence.md). */
export const EVIDENCE_STEPS = [
  'form',
  'endorsement',
  'key',
  'signature',
  'origin',
  'question',
  'selection',
  'values',
  'continuity',
  'list',
  'boot-log',
] as const;

export type EvidenceStep = (typeof EVIDENCE_STEPS)[number];

const STEPS: Readonly<Partial<Record<FindingCode, EvidenceStep>>> = {
  'EVIDENCE-FORMAT': 'form',
  'EK-UNTRUSTED': 'endorsement',
  'EK-CERTIFICATE': 'endorsement',
  'CERT-CHAIN': 'endorsement',
  'CERT-SIGNATURE': 'endorsement',
  'CERT-VALIDITY': 'endorsement',
  'CERT-AUTHORITY': 'endorsement',
  'CERT-EXTENSION': 'endorsement',
  'CERT-NAME': 'endorsement',
  'CERT-USE': 'endorsement',
  'CERT-ALGORITHM': 'endorsement',
  'AK-ATTRIBUTES': 'key',
  'AK-UNKNOWN': 'key',
  'QUOTE-SIGNATURE': 'signature',
  'QUOTE-MAGIC': 'origin',
  'QUOTE-NONCE': 'question',
  'QUOTE-SELECTION': 'selection',
  'QUOTE-PCR-DIGEST': 'values',
  'QUOTE-CLOCK-BACK': 'continuity',
  'IMA-LOG-GAP': 'continuity',
  'IMA-LOG-SHORT': 'continuity',
  'IMA-LOG-TRIMMED': 'continuity',
  'IMA-TEMPLATE-DIGEST': 'list',
  'IMA-TEMPLATE-UNKNOWN': 'list',
  'IMA-REPLAY': 'list',
  'IMA-ARCHIVE': 'list',
  'BOOT-AGGREGATE': 'list',
  'BOOT-EVENTLOG': 'boot-log',
};

/** The check that an error or finding about evidence comes from; undefined for the codes of other things. */
export function stepOf(code: FindingCode | FormatCode): EvidenceStep | undefined {
  if (isFormatCode(code)) return 'form';
  return STEPS[code];
}

function isFormatCode(code: FindingCode | FormatCode): code is FormatCode {
  return Object.hasOwn(FORMAT_CODES, code);
}
