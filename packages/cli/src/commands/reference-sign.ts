import { encodeEnvelope, parseEnvelope, preAuthEncoding } from '@assay/core/dsse';
import { nodeHasher } from '@assay/core/node';
import { REFERENCE_PAYLOAD_TYPE, referenceDigest } from '@assay/core/reference';
import { z } from 'zod';
import { EXIT } from '../exit.ts';
import { envelopeSignature } from '../message-signer.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { shown } from '../output/terminal.ts';
import { readReference, writeWhole } from '../reference/files.ts';
import { SignOptions } from '../reference/options.ts';

/** `assay reference sign FILE --key KEY --out FILE` */
export async function signReference(file: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(SignOptions, given);
  const { reference, bytes, signed } = await readReference(z.string().parse(file));
  // What was signed is signed again as it is: its bytes need not be the canonical ones.
  const payload = signed ? parseEnvelope(bytes).payload : reference.canonical;
  const signature = await envelopeSignature(preAuthEncoding(REFERENCE_PAYLOAD_TYPE, payload), options);
  const signatures = [...(signed ? parseEnvelope(bytes).signatures : []), signature];
  await writeWhole(options.out, `${encodeEnvelope({ payloadType: REFERENCE_PAYLOAD_TYPE, payload, signatures })}\n`);
  const { name, version } = reference.document;
  const digest = referenceDigest(nodeHasher, reference);
  const document = { file: options.out, name, version, digest, keyid: signature.keyid, signatures: signatures.length };
  if (options.output === 'json') printJson({ schema: 'assay.reference-sign.v1', ...document });
  else
    process.stdout.write(`${shown(options.out)}: ${name} version ${version}, signed by the key ${signature.keyid}\n`);
  return EXIT.fine;
}
