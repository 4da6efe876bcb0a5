export { isThere, kernelIma, type KernelIma } from './kernel.ts';
export { engineList, kernelList, type MeasurementSource } from './list-file.ts';
