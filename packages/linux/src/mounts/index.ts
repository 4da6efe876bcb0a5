export { chooseMounts, hasNoFiles, mountAt, type ChosenMounts } from './choose.ts';
export { mountIdOf } from './descriptor.ts';
export { parseMountInfo, type Mount } from './parse.ts';
export { isThroughMount, readMounts } from './read.ts';
export { visibleMounts } from './visible.ts';
