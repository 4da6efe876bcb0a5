import { concat, toBase64, toHex } from '@assay/core/bytes';
import { BUNDLE_LIST_LIMIT, type EvidenceBundle } from '@assay/wire';
import { z } from 'zod';
import { RequestProblem } from '../problem.ts';
import { listOf } from '../store/lists.ts';
import { bootLogOf } from '../store/boot-logs.ts';
import { roundsOf } from '../store/rounds.ts';
import type { Database, HostRow } from '../store/schema.ts';
import { eventLogBytes } from './event-log-bytes.ts';
import { keptOf } from './kept.ts';
import { proofIn } from './proof.ts';

const Certificates = z.array(z.string());

/**
 * The newest evidence of a host that verified, with all that it takes to verify it once more.
 * @throws RequestProblem EVIDENCE-MISSING, REQUEST-TOO-LARGE
 */
export async function bundleOf(db: Database, host: HostRow): Promise<EvidenceBundle> {
  const [round] = await roundsOf(db, [host.id]);
  const kept = round === undefined ? null : keptOf(round);
  if (kept === null || host.boot === null || round === undefined || round.proof === null) {
    throw new RequestProblem('EVIDENCE-MISSING', `No evidence of ${host.name} is kept yet.`);
  }
  if (kept.state.bytes > BUNDLE_LIST_LIMIT) {
    throw new RequestProblem('REQUEST-TOO-LARGE', `The list of ${host.name} has ${kept.state.bytes} bytes.`);
  }
  const { session, nonce, facts, quote, bound } = proofIn(round.proof);
  const eventLog = await eventLogOf(db, host.boot);
  const rows = await listOf(db, host.boot, 1, kept.state.entries);
  return {
    schema: 'assay.evidence-bundle.v1',
    host: { id: host.id, name: host.name },
    receivedAt: kept.at.toISOString(),
    ekPublic: toBase64(host.ek_public),
    akPublic: toBase64(host.ak_public),
    ekCertificates: host.ek_certificates === null ? [] : Certificates.parse(JSON.parse(host.ek_certificates)),
    session,
    nonce,
    facts,
    quote,
    pcrs: Object.fromEntries([...kept.pcrs].map(([index, value]) => [String(index), toHex(value)])),
    list: { bank: 'sha256', entries: toBase64(concat(rows.map(({ record }) => record))) },
    ...(eventLog === undefined ? {} : { eventLog: toBase64(eventLog) }),
    ...(bound === undefined ? {} : { bound }),
  };
}

async function eventLogOf(db: Database, boot: number): Promise<Uint8Array | undefined> {
  const row = await bootLogOf(db, boot);
  return row === undefined ? undefined : eventLogBytes(row);
}
