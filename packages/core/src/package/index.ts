export {
  parseDiversions,
  parseDpkgLog,
  parseDpkgStatus,
  parseMd5sums,
  type DpkgAction,
  type DpkgDiversion,
  type DpkgPackage,
} from './dpkg.ts';
