export { mapForWriting, type WritableMapping } from './mapping.ts';
export { WAYS_TO_CHANGE } from './ways.ts';
export { executeFromMemory, executePathDescriptor } from './execute.ts';
