import { readFile } from 'node:fs/promises';
import { SystemError } from '@assay/core/errors';
import type { z } from 'zod';
import { isFileError } from './exit.ts';

/**
 * Reads a JSON document of the state directory, or of another place.
 * @param writer the command that writes it
 * @returns undefined when there is none
 * @throws SystemError STATE-FORMAT
 */
export async function readStateFile<T>(
  path: string,
  schema: z.ZodType<T>,
  writer = 'assay up',
): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isFileError(error) && error.code === 'ENOENT') return undefined;
    throw error;
  }
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new SystemError('STATE-FORMAT', `${path} is not what \`${writer}\` writes`, { cause: parsed.error });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
