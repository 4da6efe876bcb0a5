export { descriptorPath, fileSystemMagic } from './descriptor.ts';
export { hashFile, type HashOutcome } from './hash.ts';
export { fileIdentity, identityKey, type FileIdentity } from './identity.ts';
export { inodeFacts, type InodeFacts } from './inode-facts.ts';
export { fileSystemUuid, inodeGeneration } from './inode.ts';
export { probeWriters, type WriterProbe } from './lease.ts';
export { lockFile } from './lock.ts';
export { writePrivateJson } from './private-file.ts';
export { replaceFile } from './replace-file.ts';
