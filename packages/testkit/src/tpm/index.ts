export { SimulatedTpm } from './simulated-tpm.ts';
