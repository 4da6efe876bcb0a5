import type { OpenFinding } from '@assay/core/verdict';
import { FINDING_CODES, type FindingCode } from '@assay/core/errors';
import { bootsByIds } from '../store/boots.ts';
import { openFindingsOf } from '../store/findings.ts';
import { activeReferences } from '../store/references.ts';
import { firstRound, roundsOf } from '../store/rounds.ts';
import type { BootRow, Database, FindingRow, HostRow, ReferenceVersionRow, RoundRow } from '../store/schema.ts';

/** Everything that the verdict, the ladder and the summary of a host are made of. */
export interface HostState {
  readonly host: HostRow;
  readonly round: RoundRow;
  readonly boot: BootRow | null;
  readonly reference: ReferenceVersionRow | null;
  /** Newest first. */
  readonly findings: readonly FindingRow[];
}

export async function stateOf(db: Database, host: HostRow): Promise<HostState> {
  const [state] = await statesOf(db, [host]);
  if (state === undefined) throw new Error('the state of a host is missing');
  return state;
}

/** In the order of the hosts given; as many statements for many hosts as for one. */
export async function statesOf(db: Database, hosts: readonly HostRow[]): Promise<HostState[]> {
  const ids = hosts.map(({ id }) => id);
  const rounds = new Map((await roundsOf(db, ids)).map((row) => [row.host, row]));
  const bootIds = hosts.flatMap(({ boot }) => (boot === null ? [] : [boot]));
  const boots = new Map((await bootsByIds(db, bootIds)).map((row) => [row.id, row]));
  const references = new Map((await activeReferences(db, ids)).map((row) => [row.host, row]));
  const findings = Map.groupBy(await openFindingsOf(db, ids), ({ host }) => host);
  return hosts.map((host) => ({
    host,
    round: rounds.get(host.id) ?? firstRound(host.id),
    boot: (host.boot === null ? undefined : boots.get(host.boot)) ?? null,
    reference: references.get(host.id) ?? null,
    findings: findings.get(host.id) ?? [],
  }));
}

export function openFindings(rows: readonly FindingRow[]): OpenFinding[] {
  return rows.flatMap(({ code, severity, sentence }) => (isFindingCode(code) ? [{ code, severity, sentence }] : []));
}

function isFindingCode(code: string): code is FindingCode {
  return Object.hasOwn(FINDING_CODES, code);
}
