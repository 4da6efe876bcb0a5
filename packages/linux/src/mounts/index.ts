export { chooseMounts, mountAt, type ChosenMounts } from './choose.ts';
export { parseMountInfo, type Mount } from './parse.ts';
export { readMounts } from './read.ts';
