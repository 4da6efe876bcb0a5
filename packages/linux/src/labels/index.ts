export type {
  BoundChoice,
  LabelJob,
  LabelResult,
  LabelState,
  MetadataChoice,
  SigningKey,
} from './job.ts';
export { labelFiles, type LabelledFile } from './pool.ts';
