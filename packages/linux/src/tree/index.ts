export {
  TreeWalk,
  type OpenedFile,
  type SkippedCounts,
  type TreeObject,
  type TreeOptions,
  type TreeProblem,
} from './walk.ts';
