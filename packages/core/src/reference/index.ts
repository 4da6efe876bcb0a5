export { buildReference, captureReference, type ReferenceItem, type ReferenceValues } from './values.ts';
