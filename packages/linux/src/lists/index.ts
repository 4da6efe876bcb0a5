export {
  archiveBefore,
  ARCHIVE_LINK,
  checkSegments,
  headOf,
  segmentName,
  type Archived,
  type Segment,
} from './archive.ts';
export { verifyList } from './verify.ts';
