import { formatPolicy } from '@assay/core/policy';
import { z } from 'zod';
import { EXIT } from '../exit.ts';
import { printPieces } from '../output/stream.ts';
import { readPolicyFile } from '../policy-file.ts';

/** `assay policy format FILE`: the formatted policy on stdout, as it is, so that it can become a file again. */
export async function formatPolicyFile(path: unknown): Promise<number> {
  const lines = await readPolicyFile(z.string().parse(path));
  await printPieces(lines.map((line) => formatPolicy([line])));
  return EXIT.fine;
}
