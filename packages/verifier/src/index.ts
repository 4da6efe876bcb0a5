export { isLoopback } from './http/guards.ts';
export { BUILT_PAGE } from './public.ts';
export { startVerifier, type Verifier, type VerifierOptions } from './verifier.ts';
