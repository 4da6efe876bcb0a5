export { quoteAttacks, quotesToAccept, truncations } from './attacks.ts';
export type { QuoteCase } from './honest.ts';
export { ADVERSARY, type AdversaryCase } from './catalogue.ts';
export type { ForgedCase } from './case.ts';
export { roundAttacks, roundsToAccept, type RoundBundle, type RoundCase } from './rounds.ts';
export { eventLogAttacks, eventLogsToAccept, type EventLogBundle, type EventLogCase } from './eventlog-cases.ts';
export {
  bundleOf,
  eccKey,
  expected,
  forged,
  honestAttest,
  NONCE,
  rsaKey,
  SELECTION,
  signBy,
  VALUES,
  valuesOf,
  type ExpectedValue,
  type QuoteBundle,
  type SoftwareKey,
} from './bundle.ts';
export {
  endorsementAttacks,
  endorsementsToAccept,
  type EndorsementBundle,
  type EndorsementCase,
} from './endorsement.ts';
export {
  agileLog,
  agileRecord,
  little,
  separator,
  sha1Record,
  specIdData,
  startupLocality,
  type ForgedEvent,
} from './eventlog.ts';
export {
  authority,
  CERTIFICATE,
  config,
  GLOBAL,
  GOOD,
  secureBootAttacks,
  SHA256,
  SHIM,
  signatureList,
  variable,
  VARIABLE_AUTHORITY,
  VARIABLE_DRIVER_CONFIG,
  withChanges,
  type SecureBootCase,
} from './secure-boot.ts';
