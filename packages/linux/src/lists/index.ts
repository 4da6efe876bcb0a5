export { verifyList } from './verify.ts';
