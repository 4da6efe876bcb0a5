export { inheritedSupervision } from './supervision.ts';
export { Supervisor } from './supervisor.ts';
