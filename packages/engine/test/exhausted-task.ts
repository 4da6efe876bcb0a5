// Asks who a task is when no descriptor is left: prints what went wrong, or the uid.
import { openSync } from 'node:fs';
import { taskOf } from '../src/gate/task.ts';

try {
  for (;;) openSync('/dev/null', 'r');
} catch {
  // EMFILE: now there is none.
}
try {
  process.stdout.write(String(taskOf(process.ppid).subject().uid));
} catch (error) {
  process.stdout.write(error instanceof Error && 'code' in error ? String(error.code) : 'no error of the system');
}
