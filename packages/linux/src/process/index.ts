export { lastToBeKilled, raiseDescriptorLimit } from './hold.ts';
export { Pulse } from './pulse.ts';
export { duplicateDescriptor, replaceDescriptor, socketPair, type OwnDescriptor } from './socket-pair.ts';
export { computedFor, isExecuting, openFlags, threadsOf } from './open-flags.ts';
