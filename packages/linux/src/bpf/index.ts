export { bpfErrno } from './call.ts';
export { parseKernelTypes, type KernelTypes } from './btf.ts';
export { Code } from './code.ts';
export { BpfMap, type MapSetup } from './maps.ts';
export { kernelTypes, LsmProgram } from './programs.ts';
