import { fromBase64, fromHex } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import { keyBindingDigest } from '@assay/core/evidence';
import { parsePublicKey, type PublicKey } from '@assay/core/keys';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import { verifyQuote, type VerifiedAttestationKey } from '@assay/core/tpm';
import type { CertificateReply, CertificateRequest } from '@assay/wire';
import type { Context } from '../context.ts';
import { selectionTo } from '../hosts/kept.ts';
import { RequestProblem } from '../problem.ts';
import { pcrValues } from '../rounds/verify.ts';
import { takeChallenge, type OpenChallenge } from '../store/challenges.ts';
import { hostById } from '../store/hosts.ts';
import { lockRounds, saveRounds } from '../store/rounds.ts';
import type { HostRow } from '../store/schema.ts';

/**
 * Gives the host a certificate for a key that its TPM vouches for now: the quote signs the challenge and the key.
 * @throws RequestProblem REQUEST-NOT-FOUND where there is no authority, QUOTE-NONCE; VerificationError as `verifyQuote`; FormatError
 */
export async function certify(context: Context, host: string, request: CertificateRequest): Promise<CertificateReply> {
  const { hostAuthority: authority } = context;
  if (authority === null) {
    throw new RequestProblem(
      'REQUEST-NOT-FOUND',
      'This verifier gives hosts no certificates: it does not listen with TLS.',
    );
  }
  const key = fromBase64(request.key);
  const publicKey = hostKey(key);
  const { row, challenge } = await askedFor(context, host, request.session);
  const ak = context.attestationKeys.of(row);
  verifyBinding(ak, challenge, key, request);
  const certificate = await authority.issue(host, publicKey, context.now());
  const { lifetimeSeconds } = authority;
  context.log(`${row.name} (${host}) has a certificate for ${lifetimeSeconds} s`);
  return { certificate, lifetimeSeconds };
}

function hostKey(der: Uint8Array): PublicKey {
  const key = parsePublicKey(der);
  if (key.kind === 'ecc' && key.curve === 'p256') return key;
  throw new FormatError('KEY-UNKNOWN', 'the key of a host is on the curve P-256');
}

/** The challenge is used up, whatever is made of the answer. */
async function askedFor(
  context: Context,
  host: string,
  session: string,
): Promise<{ row: HostRow; challenge: OpenChallenge }> {
  const asked = await context.database.transaction().execute(async (db) => {
    const [round] = await lockRounds(db, [host]);
    const row = await hostById(db, host);
    const taken = round === undefined ? undefined : takeChallenge(round, session, context.now().toISOString());
    if (taken === undefined || row === undefined) return undefined;
    await saveRounds(db, [taken.row]);
    return { row, challenge: taken.challenge };
  });
  if (asked !== undefined) return asked;
  throw new RequestProblem('QUOTE-NONCE', 'No challenge with this session waits for this host.');
}

function verifyBinding(
  ak: VerifiedAttestationKey,
  { nonce, session, lastPcr }: OpenChallenge,
  key: Uint8Array,
  { quote, pcrs }: CertificateRequest,
): void {
  const binding = { nonce: fromHex(nonce), session, akName: ak.name };
  const selection = selectionTo(lastPcr);
  const input = {
    ak,
    message: fromBase64(quote.message),
    signature: fromBase64(quote.signature),
    extraData: keyBindingDigest(nodeHasher, binding, key),
    selection: [selection],
    pcrValues: new Map([[selection.bank, pcrValues(pcrs)]]),
  };
  verifyQuote(input, nodeCrypto);
}
