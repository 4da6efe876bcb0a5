import { createReadStream } from 'node:fs';
import { initramfsFiles } from './cpio.ts';
import { ArchiveMeter } from './limits.ts';

export { readDeb, type DebPackage } from './deb.ts';
export { readImage, type Image, type ImageLayer } from './oci.ts';
export { readRpm } from './rpm.ts';

/** Digests of the files of an initramfs by their paths. @throws FormatError ARCHIVE-FORM, ARCHIVE-LIMIT */
export function readInitramfs(path: string): Promise<Map<string, string>> {
  return initramfsFiles(createReadStream(path), new ArchiveMeter());
}
