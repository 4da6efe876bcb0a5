export { changeAtTheSameTime, setClockToNow } from './clock.ts';
export { cannotReadLate, readLate, type LateRead } from './late-read.ts';
export { mountMapped } from './mapped-mount.ts';
export { mapForWriting, type WritableMapping } from './mapping.ts';
export { WAYS_OF_BTRFS, WAYS_OF_EXT4, WAYS_OF_XFS, WAYS_TO_CHANGE } from './ways.ts';
export {
  becomeUser,
  executeByHandle,
  executeDetached,
  executeFromMemory,
  executePathDescriptor,
  executeToEnd,
  executeUnmounted,
  executeUnnamed,
} from './execute.ts';
export { moveBlocks, openByMemory } from './exchange.ts';
