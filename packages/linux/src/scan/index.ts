export { scanTree, type ScannedPath, type ScanOptions } from './scan.ts';
