export { bpfLsm, refusedHooks, type BpfLsm } from './bpf-lsm.ts';
