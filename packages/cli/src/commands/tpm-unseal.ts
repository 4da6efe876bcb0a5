import { writeFile } from 'node:fs/promises';
import { isatty } from 'node:tty';
import { printable, toBase64 } from '@assay/core/bytes';
import { parseSealedFile } from '@assay/core/tpm';
import { z } from 'zod';
import { boundedContent } from '../bounded-file.ts';
import { EXIT, UsageError } from '../exit.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { colours } from '../output/terminal.ts';
import { readPassword } from '../tpm-password.ts';
import { TpmOptions, withTpm } from '../tpm-options.ts';
import { remedyOfRefusal, unsealFile, type UnsealAnswer, type UnsealRefusal } from '../tpm-unsealing.ts';

const UnsealOptions = TpmOptions.extend({
  passwordFile: z.string().min(1).optional(),
  out: z.string().min(1).optional(),
});

/** Any sealed file is far shorter. */
const LIMIT = 64 * 1024;

/** `assay tpm unseal FILE`: exit code 0 with the data, 1 where the TPM says that its conditions do not hold. */
export async function tpmUnseal(path: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(UnsealOptions, given);
  const content = await boundedContent(z.string().parse(path), LIMIT);
  const file = parseSealedFile(content.toString('latin1'));
  const password = options.passwordFile === undefined ? undefined : await readPassword(options.passwordFile);
  if (file.password && password === undefined) throw new UsageError('it was sealed with a password: --password-file');
  return withTpm(options.tpm, async (tpm) => {
    const answer = await unsealFile(tpm, file, password);
    if ('data' in answer && options.out !== undefined) await writeFile(options.out, answer.data, { mode: 0o600 });
    if (options.output === 'json') printJson(documentOf(answer, options.out));
    else printText(answer, options.out);
    return 'data' in answer ? EXIT.fine : EXIT.no;
  });
}

function documentOf(answer: UnsealAnswer, out: string | undefined): { schema: string; [member: string]: unknown } {
  const schema = 'assay.tpm-unseal.v1';
  if (!('data' in answer)) {
    const { reason, sentence: message } = answer;
    return { schema, unsealed: false, reason, message, remedy: remedyOfRefusal(answer) };
  }
  const where = out === undefined ? { data: toBase64(answer.data) } : { file: out };
  return { schema, unsealed: true, bytes: answer.data.length, ...where };
}

/** The data themselves on standard output, for a pipe or a file; a terminal gets them escaped. */
function printText(answer: UnsealAnswer, out: string | undefined): void {
  if (!('data' in answer)) printRefusal(answer);
  else if (out === undefined) process.stdout.write(isatty(1) ? `${printable(answer.data)}\n` : answer.data);
}

function printRefusal(answer: UnsealRefusal): void {
  const colour = colours(2);
  process.stderr.write(`${colour.red('not unsealed')}: ${answer.sentence}\n`);
  process.stderr.write(`${colour.dim('what to do')} ${remedyOfRefusal(answer)}\n`);
}
