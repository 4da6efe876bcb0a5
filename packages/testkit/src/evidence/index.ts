export { extendEventLog, simulatedEventLog, type SimulatedBoot } from './event-log.ts';
export { SimulatedHost, type BootOptions } from './host.ts';
export { SimulatedList, type Appended } from './list.ts';
