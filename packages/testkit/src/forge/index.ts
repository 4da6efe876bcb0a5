export { quoteAttacks, quotesToAccept, truncations, type QuoteCase } from './attacks.ts';
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
