export { Gate } from './gate.ts';
