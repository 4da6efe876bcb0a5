export { ClockChanges } from './clock-changes.ts';
export { descriptorPath, fileSystemMagic } from './descriptor.ts';
export { hashFile, type HashOutcome } from './hash.ts';
export { fileIdentity, identityKey, type FileIdentity } from './identity.ts';
export { inodeFacts, type InodeFacts } from './inode-facts.ts';
export { fileSystemUuid, inodeFlags, inodeGeneration } from './inode.ts';
export {
  areWritersOff,
  keepWritersOff,
  leaseBreakTime,
  letWritersIn,
  probeWriters,
  type WriterProbe,
} from './lease.ts';
export { isTextBusy, keepFromExecution } from './keep-from-execution.ts';
export { lockFile } from './lock.ts';
export { makePrivateDirectory } from './private-directory.ts';
export { writePrivateJson } from './private-file.ts';
export { ReadLeases } from './read-leases.ts';
export { Bell, Readiness } from './readiness.ts';
export { replaceFile } from './replace-file.ts';
export { changeTimeOf, FileStatus, sameFile, sameState, type ChangeTime, type Stamp } from './stamp.ts';
