export { openTpmDevice } from './device.ts';
export type { TpmIdentity } from './identity.ts';
export { connectSwtpm } from './swtpm.ts';
export { Tpm, type KeyBlobs } from './tpm.ts';
export type { TpmTransport } from './transport.ts';
