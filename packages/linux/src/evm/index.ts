export { enableEvm, EVM_FLAGS, evmState, type EvmFlag, type EvmState } from './securityfs.ts';
