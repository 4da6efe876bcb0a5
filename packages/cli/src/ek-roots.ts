import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError } from '@assay/core/errors';
import type { ParsedCertificate } from '@assay/core/keys';
import { parseCertificates } from '@assay/core/x509';
import { boundedContent } from './bounded-file.ts';
import { UsageError } from './exit.ts';

const ROOTS_LIMIT = 4 * 1024 * 1024;

/** The certificates of a PEM file. @throws FormatError PEM-FORM where it holds none */
export async function readRoots(path: string): Promise<ParsedCertificate[]> {
  const found = parseCertificates((await boundedContent(path, ROOTS_LIMIT)).toString('latin1'));
  if (found.length === 0) throw new FormatError('PEM-FORM', `${path} holds no certificate in PEM`);
  return found;
}

/**
 * Those of every PEM file of a directory; none without one.
 * @param option that names it
 * @throws UsageError where it has none; FormatError PEM-FORM
 */
export async function readRootsIn(option: string, directory: string | undefined): Promise<ParsedCertificate[]> {
  if (directory === undefined) return [];
  const names = (await readdir(directory)).filter((name) => /\.(?:pem|crt|cer)$/.test(name)).toSorted();
  if (names.length === 0) throw new UsageError(`${option} ${directory}: no file in it ends in .pem, .crt or .cer`);
  return (await Promise.all(names.map((name) => readRoots(join(directory, name))))).flat();
}
