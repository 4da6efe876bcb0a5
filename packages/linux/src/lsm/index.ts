export { bpfLsm, type BpfLsm } from './bpf-lsm.ts';
