export { isThere, kernelIma, type KernelIma } from './kernel.ts';
export { engineList } from './engine-list.ts';
export { kernelList, type KernelList, type ListPlace, type MeasurementSource } from './list-file.ts';
export {
  canBeTrimmed,
  spooledList,
  spoolName,
  type SpooledSource,
  type SpoolOptions,
  type SpoolState,
} from './spool.ts';
