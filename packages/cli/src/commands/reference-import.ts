import { parseEnvelope } from '@assay/core/dsse';
import { FormatError } from '@assay/core/errors';
import { nodeMessageSignatures } from '@assay/core/node';
import { importKeylimePolicy, KEYLIME_PAYLOAD_TYPE, verifyEnvelope } from '@assay/core/reference';
import { re2Patterns } from '@assay/verifier/policies';
import { z } from 'zod';
import { boundedContent } from '../bounded-file.ts';
import { EXIT, UsageError } from '../exit.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { shown } from '../output/terminal.ts';
import { isEnvelope, trustedKeys, writeReference } from '../reference/files.ts';
import { lossesText } from '../reference/losses.ts';
import { ImportOptions } from '../reference/options.ts';

type Options = z.infer<typeof ImportOptions>;

const LARGEST = 512 * 1024 * 1024;
const DAYS_90 = 90 * 24 * 3600 * 1000;

/** `assay reference import FILE --name NAME --out FILE` */
export async function importPolicy(file: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(ImportOptions, given);
  const policy = await policyIn(z.string().parse(file), options);
  const now = new Date();
  const { reference, losses } = importKeylimePolicy(
    policy,
    {
      name: options.name,
      version: options.versionNumber,
      created: now.toISOString(),
      owner: options.owner,
      expires: options.expires ?? new Date(now.getTime() + DAYS_90).toISOString(),
    },
    re2Patterns,
  );
  const digest = await writeReference(options.out, reference.document);
  const { name, version, files } = reference.document;
  const summary = { file: options.out, name, version, digest, paths: files.length, losses };
  if (options.output === 'json') printJson({ schema: 'assay.reference-import.v1', ...summary });
  else {
    process.stdout.write(
      `${shown(options.out)}: ${name} version ${version}, ${files.length} paths\n${lossesText(losses)}`,
    );
  }
  return EXIT.fine;
}

async function policyIn(path: string, { publicKey }: Options): Promise<Uint8Array> {
  const bytes = Uint8Array.from(await boundedContent(path, LARGEST));
  const keys = await trustedKeys(publicKey);
  if (!isEnvelope(bytes)) {
    if (keys.length > 0) throw new UsageError(`${path} is not signed: it is no DSSE envelope`);
    return bytes;
  }
  const envelope = parseEnvelope(bytes);
  if (envelope.payloadType !== KEYLIME_PAYLOAD_TYPE) {
    throw new FormatError('ENVELOPE-FORM', `${path} holds something else: ${envelope.payloadType}`);
  }
  if (keys.length === 0) throw new UsageError(`${path} is signed: give the key of who signed it by --public-key`);
  verifyEnvelope(envelope, keys, nodeMessageSignatures);
  return envelope.payload;
}
