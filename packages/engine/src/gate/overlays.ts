import { closeSync, openSync } from 'node:fs';
import { release } from 'node:os';
import { SystemError } from '@assay/core/errors';
import { mountIdOf, readMounts, type Mount } from '@assay/linux/mounts';

const O_PATH = 0o10000000;
const LAYERS = /^(?:lowerdir|upperdir|lowerdir\+|datadir\+)=(.*)$/s;

/**
 * Keeps an overlayfs and what its layers lie on from being watched by one group, where openings are asked about. The kernel opens the
 * file of an event for the thread that reads it; in an overlay that opens the file in the layer, too, and if that is asked about,
 * the thread waits for itself and everybody for it. Linux 6.12 does not ask then, 6.18 and 7.2 do. Nothing is lost: what is opened
 * through an overlay is asked about in its layers.
 */
export class Overlays {
  readonly #isAsking: boolean;
  /** By device. */
  readonly #watched = new Map<string, Mount>();

  /** @param asksOpenings where executions alone are asked about, no thread asks itself */
  constructor(asksOpenings: boolean, kernel = release()) {
    const [major = 0, minor = 0] = kernel.split('.').map(Number);
    this.#isAsking = asksOpenings && (major > 6 || (major === 6 && minor >= 13));
  }

  /**
   * To be called before a file system is marked.
   * @throws SystemError ENGINE-MOUNT where it must not be
   */
  add(path: string): void {
    if (!this.#isAsking) return;
    const mounts = readMounts();
    const mount = mountOf(path, mounts);
    if (mount === undefined || this.#watched.has(mount.device)) return;
    const isThere = ({ device }: Mount): boolean => mounts.some((each) => each.device === device);
    const others = [...this.#watched.values()].filter(isThere);
    const other = others.find((each) => isLayerOf(each, mount, mounts) || isLayerOf(mount, each, mounts));
    if (other !== undefined) throw refused(mount, other);
    this.#watched.set(mount.device, mount);
  }
}

/** A layer that cannot be found from here may lie anywhere. */
function isLayerOf({ device }: Mount, overlay: Mount, mounts: readonly Mount[]): boolean {
  if (overlay.type !== 'overlay') return false;
  const layers = overlay.superOptions.flatMap((option) => LAYERS.exec(option)?.[1]?.split(':') ?? []);
  return layers.some((path) => path !== '' && (mountOf(path, mounts)?.device ?? device) === device);
}

function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  if (!path.startsWith('/')) return undefined;
  try {
    const fd = openSync(path, O_PATH);
    const id = mountIdOf(fd);
    closeSync(fd);
    return mounts.find((mount) => mount.id === id);
  } catch {
    return undefined;
  }
}

function refused(...pair: readonly Mount[]): SystemError {
  const [overlay = pair[0], other] = pair.toSorted(
    (a, b) => Number(b.type === 'overlay') - Number(a.type === 'overlay'),
  );
  const [name, below] = [overlay, other].map((mount) => JSON.stringify(mount?.mountPoint.toString('utf8')));
  const sentence = `the overlay ${name} cannot be watched beside ${below}, on which its layers lie`;
  return new SystemError('ENGINE-MOUNT', `${sentence}: what is opened through it is asked about there`);
}
