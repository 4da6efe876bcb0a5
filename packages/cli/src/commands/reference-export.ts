import { fromBase64 } from '@assay/core/bytes';
import { keyIdOfPublicKey, parsePublicKey } from '@assay/core/keys';
import { nodeHasher } from '@assay/core/node';
import { exportKeylimePolicy } from '@assay/core/reference';
import { z } from 'zod';
import { EXIT } from '../exit.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { shown } from '../output/terminal.ts';
import { readReference, writeWhole } from '../reference/files.ts';
import { lossesText } from '../reference/losses.ts';
import { ExportOptions } from '../reference/options.ts';

/** `assay reference export FILE --out FILE` */
export async function exportPolicy(file: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(ExportOptions, given);
  const { reference } = await readReference(z.string().parse(file));
  const { text, losses } = exportKeylimePolicy(reference.document, new Date(), ({ key }) =>
    keyIdOfPublicKey(nodeHasher, parsePublicKey(fromBase64(key))),
  );
  await writeWhole(options.out, text);
  if (options.output === 'json') printJson({ schema: 'assay.reference-export.v1', file: options.out, losses });
  else process.stdout.write(`${shown(options.out)} is written\n${lossesText(losses)}`);
  return EXIT.fine;
}
