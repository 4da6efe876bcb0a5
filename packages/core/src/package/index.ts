export { CPIO_HEADER_SIZE, parseCpioHeader, type CpioHeader } from './cpio.ts';
export { parseControl, parsePackagesIndex, parseReleaseDigests, type IndexedPackage } from './deb.ts';
export {
  parseDiversions,
  parseDpkgLog,
  parseDpkgStatus,
  parseMd5sums,
  type DpkgAction,
  type DpkgDiversion,
  type DpkgPackage,
} from './dpkg.ts';
export { parseInstalledRpm, parseRpm, type InstalledRpm, type RpmPackage } from './rpm.ts';
export type { PackagedFile, PackageName } from './types.ts';
