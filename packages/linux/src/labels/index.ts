export type {
  BoundChoice,
  LabelJob,
  LabelResult,
  LabelState,
  MetadataChoice,
  SigningKey,
} from './job.ts';
export { modsigOfFile, readModsig, signedContentDigest, type AppendedSignature } from './modsig.ts';
export { labelFiles, type LabelledFile } from './pool.ts';
