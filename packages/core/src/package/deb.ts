import { FormatError } from '../errors/index.ts';
import { fieldsOf } from './dpkg.ts';
import type { PackageName } from './types.ts';

/** A package file as an index of a repository names it. */
export interface IndexedPackage extends PackageName {
  /** Relative to the root of the repository. */
  readonly filename: string;
  /** Bytes. */
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** The control file of a binary package (deb-control(5)). @throws FormatError PACKAGE-FORM */
export function parseControl(text: string): PackageName {
  return nameOf(fieldsOf(text));
}

/** Paragraphs of a Packages file of a repository. @throws FormatError PACKAGE-FORM */
export function parsePackagesIndex(text: string): IndexedPackage[] {
  const paragraphs = text.split(/\n\n+/).filter((paragraph) => paragraph.trim() !== '');
  return paragraphs.map((paragraph) => {
    const fields = fieldsOf(paragraph);
    const [filename, size, sha256] = ['Filename', 'Size', 'SHA256'].map((name) => fields.get(name) ?? '');
    if (!/^[0-9a-f]{64}$/.test(sha256 ?? '') || !/^\d{1,12}$/.test(size ?? '')) {
      throw wrong(`the index has no SHA-256 or size of ${filename}`);
    }
    return { ...nameOf(fields), filename: relative(filename ?? ''), size: Number(size), sha256: sha256 ?? '' };
  });
}

/** SHA-256 of the files that a Release file names, by their paths. @throws FormatError PACKAGE-FORM */
export function parseReleaseDigests(text: string): Map<string, string> {
  const digests = new Map<string, string>();
  for (const line of (fieldsOf(text).get('SHA256') ?? '').split('\n')) {
    const [, sha256, path] = /^ ([0-9a-f]{64}) +\d+ +(\S+)$/.exec(line) ?? [];
    if (sha256 !== undefined && path !== undefined) digests.set(path, sha256);
  }
  if (digests.size === 0) throw wrong('the Release file has no SHA-256 of any index');
  return digests;
}

function nameOf(fields: ReadonlyMap<string, string>): PackageName {
  const [name, version, architecture] = ['Package', 'Version', 'Architecture'].map((field) => fields.get(field) ?? '');
  const form = /^[A-Za-z0-9.+~:_-]{1,200}$/;
  if (!form.test(name ?? '') || !form.test(version ?? '') || !form.test(architecture ?? '')) {
    throw wrong('a package has no name, version or architecture of the form that Debian gives them');
  }
  return { name: name ?? '', version: version ?? '', architecture: architecture ?? '' };
}

/** A path that leads out of the repository is none of it. */
function relative(path: string): string {
  const isInside = path !== '' && !path.startsWith('/') && !path.split('/').includes('..') && !path.includes('\0');
  if (!isInside) throw wrong(`the index names a file outside of the repository: ${path.slice(0, 100)}`);
  return path;
}

function wrong(what: string): FormatError {
  return new FormatError('PACKAGE-FORM', what);
}
