export { askEngine } from './client.ts';
export { Operator, type OperatorOptions } from './operator.ts';
export type { ControlAnswer, ControlRequest, RunningStatus } from './protocol.ts';
export { serveControl } from './server.ts';
