export { comparePcrs, firstDifference, type PcrComparison, type PcrExpectation } from './compare.ts';
export { digestRule, eventTypeName, type DigestRule } from './event-types.ts';
export { parseEventLog } from './parse.ts';
export { QUIRKS, type Quirk } from './quirks.ts';
export { firstWithoutDigest, isExtended, replayableBanks, replayEventLog, resetValue } from './replay.ts';
export type { BootEvent, DeclaredAlgorithm, ParsedEventLog, SpecId, StartupLocality } from './types.ts';
