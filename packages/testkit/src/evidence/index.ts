export { SimulatedHost, type HostKeys } from './host.ts';
export { SimulatedList, type Appended } from './list.ts';
