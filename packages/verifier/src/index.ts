export { startVerifier, type Verifier, type VerifierOptions } from './verifier.ts';
