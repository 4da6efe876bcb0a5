export { openTpmAddress, parseSocketAddress, parseTpmAddress, type TpmAddress } from './address.ts';
export {
  attestTime,
  certifyCreationOf,
  certifyNv,
  certifyObject,
  type Creation,
  type SignedAttestation,
} from './attest.ts';
export { readAlgorithms, readBanks, readCommands, readCurves, readHandles, readProperties } from './capability.ts';
export { certificatesIn, readCertificateChain, readCertificates, type TpmCertificate } from './certificates.ts';
export { CLOUD_KEY_NAMES, openCloudKey, readCloudCertificates, type CloudKeyName } from './cloud-key.ts';
export { SwtpmControl } from './control.ts';
export { openTpmDevice } from './device.ts';
export { createCertifiedEndorsementKey } from './ek-template.ts';
export { kernelEventLog, readEventLog } from './event-log.ts';
export type { TpmIdentity } from './identity.ts';
export { listNvIndices, readNv, readNvPublic } from './nv.ts';
export { quoteWithValues, type QuoteWithValues } from './quote.ts';
export { MAX_SEALED, readSelected, sealData, unsealData, type SealPolicy } from './seal.ts';
export { connectSwtpm, type SocketAddress } from './swtpm.ts';
export { Tpm, type KeyBlobs, type LoadedObject } from './tpm.ts';
export type { TpmTransport } from './transport.ts';
