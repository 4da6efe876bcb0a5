import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

const PLACES = ['/usr/bin', '/usr/local/bin', '/bin'];
const INSTALL = 'apt-get install swtpm';

/** Where swtpm is on this machine, or the line that installs it. */
export function swtpmAvailable(): { readonly path: string } | { readonly missing: string } {
  const path = PLACES.map((directory) => join(directory, 'swtpm')).find(isExecutable);
  return path === undefined ? { missing: INSTALL } : { path };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
