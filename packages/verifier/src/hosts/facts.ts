import { fromHex, toHex } from '@assay/core/bytes';
import type { OpenFinding } from '@assay/core/verdict';
import { FINDING_CODES, type FindingCode } from '@assay/core/errors';
import { z } from 'zod';
import { bootById } from '../store/boots.ts';
import { openFindingsOf } from '../store/findings.ts';
import { referenceVersion } from '../store/references.ts';
import type { BootRow, Database, FindingRow, HostRow, ReferenceVersionRow } from '../store/schema.ts';

/** Everything that the verdict, the ladder and the summary of a host are made of. */
export interface HostState {
  readonly host: HostRow;
  readonly boot: BootRow | null;
  readonly reference: ReferenceVersionRow | null;
  /** Newest first. */
  readonly findings: readonly FindingRow[];
}

export async function stateOf(db: Database, host: HostRow): Promise<HostState> {
  return {
    host,
    boot: (host.boot === null ? undefined : await bootById(db, host.boot)) ?? null,
    reference:
      (host.reference_version === null ? undefined : await referenceVersion(db, host.id, host.reference_version)) ??
      null,
    findings: await openFindingsOf(db, host.id),
  };
}

const StoredQuote = z.object({
  at: z.string(),
  resetCount: z.int(),
  restartCount: z.int(),
  clock: z.string(),
  /** Values of the SHA-256 bank, hexadecimal, by index. */
  pcrs: z.record(z.string(), z.string()),
});

export interface QuoteFacts {
  readonly at: Date;
  readonly resetCount: number;
  readonly restartCount: number;
  readonly clock: bigint;
  readonly pcrs: ReadonlyMap<number, Uint8Array>;
}

/** The newest verified quote, as a column. */
export function storedQuote(quote: QuoteFacts): string {
  const { at, resetCount, restartCount, clock } = quote;
  const pcrs = Object.fromEntries(Array.from(quote.pcrs, ([pcr, value]) => [pcr, toHex(value)]));
  return JSON.stringify({ at: at.toISOString(), resetCount, restartCount, clock: String(clock), pcrs });
}

export function quoteFacts(column: string | null): QuoteFacts | null {
  if (column === null) return null;
  const { at, resetCount, restartCount, clock, pcrs } = StoredQuote.parse(JSON.parse(column));
  return {
    at: new Date(at),
    resetCount,
    restartCount,
    clock: BigInt(clock),
    pcrs: new Map(Object.entries(pcrs).map(([pcr, value]) => [Number(pcr), fromHex(value)])),
  };
}

export function openFindings(rows: readonly FindingRow[]): OpenFinding[] {
  return rows.flatMap(({ code, severity, sentence }) => (isFindingCode(code) ? [{ code, severity, sentence }] : []));
}

function isFindingCode(code: string): code is FindingCode {
  return Object.hasOwn(FINDING_CODES, code);
}
