// What fills a store with a fleet without its agents, and asks it: for benchmarks, and for tests of many hosts.
export { fillHosts } from './fill-hosts.ts';
export { whoMeasured } from './hosts/who.ts';
export { newEntries } from './rounds/measurements.ts';
export { addBoot } from './store/boots.ts';
export { entryIds } from './store/entries.ts';
export { insertHost, updateHost } from './store/hosts.ts';
export { appendToList } from './store/lists.ts';
export { openStore } from './store/open.ts';
export { firstRound, saveRounds } from './store/rounds.ts';
export type { Database } from './store/schema.ts';
export { indexArrivals } from './store/sightings.ts';
export { newToken, tokenDigest } from './tokens.ts';
