export { enableVerity, measureVerity } from './verity.ts';
