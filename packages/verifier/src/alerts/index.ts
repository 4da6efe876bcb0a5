export { testMessage } from './message.ts';
export { send } from './send.ts';
export { readSinks, type Sink } from './sinks.ts';
