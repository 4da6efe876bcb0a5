export { isThere, kernelIma, type KernelIma } from './kernel.ts';
export { engineList } from './engine-list.ts';
export { kernelList, type ListPlace, type MeasurementSource } from './list-file.ts';
