import { z } from 'zod';
import { UsageError } from './exit.ts';

const Directory = z.string().min(1, 'names no directory');
const Url = z.url({ protocol: /^https?$/, error: 'is not an address such as http://127.0.0.1:4620' });

/** Options as the command line has them; each command takes those it declared. */
export const OutputOptions = z.object({ output: z.enum(['text', 'json']) });
export const StateOptions = z.object({ state: Directory });
export const ConnectOptions = OutputOptions.extend({ url: Url, ...StateOptions.shape });
export const ListOptions = OutputOptions.extend({
  bank: z.enum(['sha1', 'sha256', 'sha384', 'sha512']).optional(),
  imaHash: z.enum(['sha1', 'md5']).optional(),
});

/** @throws UsageError that names the options which are not of their form */
export function optionsFrom<T>(schema: z.ZodType<T>, given: unknown): T {
  const { success, data, error } = schema.safeParse(given);
  if (success) return data;
  throw new UsageError(error.issues.map(({ path, message }) => `${flagOf(path.join('.'))} ${message}`).join('; '));
}

/** As it stands on the command line: `spoolSize` is `--spool-size`. */
function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
