export { re2Patterns } from './patterns.ts';
