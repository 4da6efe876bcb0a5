import { encodeEnvelope, parseEnvelope, preAuthEncoding, type EnvelopeSignature } from '@assay/core/dsse';
import { FormatError } from '@assay/core/errors';
import { parsePolicyBytes } from '@assay/core/policy';
import { POLICY_PAYLOAD_TYPE } from '@assay/engine/decision';
import { z } from 'zod';
import { boundedContent } from '../bounded-file.ts';
import { EXIT } from '../exit.ts';
import { envelopeSignature } from '../message-signer.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { shown } from '../output/terminal.ts';
import { isEnvelope, writeWhole } from '../reference/files.ts';
import { SignOptions } from '../reference/options.ts';

const LARGEST = 16 * 1024 * 1024;

interface Signable {
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly signatures: readonly EnvelopeSignature[];
}

/** `assay policy sign FILE --key KEY --out FILE`: an envelope that `assay engine` takes by `--policy-key`. */
export async function signPolicy(file: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(SignOptions, given);
  const { payload, signatures } = await signable(z.string().parse(file));
  const rules = parsePolicyBytes(payload).filter(({ tokens }) => tokens.length > 0).length;
  const signature = await envelopeSignature(preAuthEncoding(POLICY_PAYLOAD_TYPE, payload), options);
  const all = [...signatures, signature];
  await writeWhole(options.out, `${encodeEnvelope({ payloadType: POLICY_PAYLOAD_TYPE, payload, signatures: all })}\n`);
  const document = { file: options.out, rules, keyid: signature.keyid, signatures: all.length };
  if (options.output === 'json') printJson({ schema: 'assay.policy-sign.v1', ...document });
  else process.stdout.write(`${shown(options.out)}: ${rules} rules, signed by the key ${signature.keyid}\n`);
  return EXIT.fine;
}

async function signable(path: string): Promise<Signable> {
  const bytes = Uint8Array.from(await boundedContent(path, LARGEST));
  if (!isEnvelope(bytes)) return { payload: bytes, signatures: [] };
  const envelope = parseEnvelope(bytes);
  if (envelope.payloadType === POLICY_PAYLOAD_TYPE) return envelope;
  throw new FormatError('ENVELOPE-FORM', `${path} holds something else: ${envelope.payloadType}`);
}
