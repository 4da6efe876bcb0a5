export { raiseDescriptorLimit } from './hold.ts';
export { Pulse } from './pulse.ts';
