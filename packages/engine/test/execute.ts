// Becomes a program in an unusual way: WAY PATH
import { executeFromMemory, executePathDescriptor } from '@assay/testkit/files';

const [way, path = ''] = process.argv.slice(2);
if (way === 'memory') executeFromMemory(path);
else executePathDescriptor(path);
