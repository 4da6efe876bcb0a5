// Becomes a program in an unusual way: WAY PATH
import { executeByHandle, executeFromMemory, executePathDescriptor, executeUnnamed } from '@assay/testkit/files';

const WAYS: Readonly<Record<string, (path: string) => never>> = {
  memory: executeFromMemory,
  path: executePathDescriptor,
  handle: executeByHandle,
  unnamed: executeUnnamed,
};

const [way = '', path = ''] = process.argv.slice(2);
WAYS[way]?.(path);
throw new Error(`no such way: ${way}`);
