import { filenameHint, parseBinaryList } from '@assay/core/measurement';
import type { Explanation } from '@assay/core/verdict';
import { APPROVABLE } from '../policies/approvable.ts';
import { bootById, bootBefore } from '../store/boots.ts';
import { entriesWithDigest } from '../store/entries.ts';
import { earlierFinding, type Spread } from '../store/findings.ts';
import { countHosts } from '../store/hosts.ts';
import { policyInForceFor } from '../store/policies.ts';
import type { Database, FindingRow } from '../store/schema.ts';
import { versionCauses } from './version-causes.ts';

/** So many hosts tell an update that was rolled out from an attack on one. */
const ROLLED_OUT = 3;
/** Other paths with the same content that are named. */
const PATHS = 3;

/** What versions of policies, other hosts, other paths and earlier boots tell of the cause of a finding; the surest first. */
export async function fleetCauses(db: Database, row: FindingRow, spread: Spread): Promise<Explanation[]> {
  const { digest } = row;
  if (digest === null || !APPROVABLE.has(row.code)) return [];
  return [
    ...(await versionCauses(db, row)),
    ...(await copyCauses(db, row, digest)),
    ...(await rebootCauses(db, row)),
    ...(await spreadCauses(db, spread)),
  ];
}

/** The same content at another path, on whichever host. */
async function copyCauses(db: Database, { filename_hint: path }: FindingRow, digest: string): Promise<Explanation[]> {
  const paths = (await entriesWithDigest(db, digest)).map(({ record }) => pathOf(record));
  const others = [...new Set(paths)].filter((other) => other !== path).toSorted();
  if (others.length === 0) return [];
  const more = others.length > PATHS ? `, and ${others.length - PATHS} more` : '';
  const cause = `The same content was measured at ${others.slice(0, PATHS).join(', ')}${more}: it was copied, renamed or mounted elsewhere.`;
  return [{ cause, confidence: 'medium' }];
}

function pathOf(record: Uint8Array): string {
  const [entry] = parseBinaryList(record, { bank: 'sha256' }).entries;
  return entry === undefined ? '' : filenameHint(entry.fields);
}

/** What came with the first list of a boot changed before it, or because of it. */
async function rebootCauses(db: Database, row: FindingRow): Promise<Explanation[]> {
  if (row.boot === null) return [];
  const earlier = await earlierFinding(db, row);
  if (earlier !== undefined) {
    return [{ cause: `It was there in an earlier boot, too (F-${earlier.seq}).`, confidence: 'high' }];
  }
  const boot = await bootById(db, row.boot);
  if (boot?.since !== row.first_seen || (await bootBefore(db, boot)) === undefined) return [];
  const cause = `It came with the boot that was first seen at ${boot.since}: something was changed that waited for a reboot, such as a kernel, an initramfs or a service.`;
  return [{ cause, confidence: 'medium' }];
}

async function spreadCauses(db: Database, spread: Spread): Promise<Explanation[]> {
  const hosts = await countHosts(db);
  if (spread.hosts >= ROLLED_OUT) {
    const cause = `The same digest is open on ${spread.hosts} of ${hosts} hosts: something was rolled out to them.`;
    return [{ cause, confidence: 'medium' }];
  }
  if (spread.hosts !== 1 || hosts < ROLLED_OUT) return [];
  return [
    { cause: `It is open on this host alone of ${hosts}: nothing was rolled out to the others.`, confidence: 'low' },
  ];
}

/** Commands that ask the fleet, and accept what was found in the way in which this host's reference values come. */
export async function fleetCommands(db: Database, row: FindingRow, next: readonly string[]): Promise<string[]> {
  if (row.digest === null || !APPROVABLE.has(row.code)) return [...next];
  const asks = [`assay digest who ${row.digest}`];
  if ((await policyInForceFor(db, row.host)) === undefined) return [...next, ...asks];
  // What is captured for a host that has a policy is refused.
  const others = next.filter((command) => !command.startsWith('assay reference capture'));
  return [...others, ...asks, `assay findings approve F-${row.seq}`];
}
