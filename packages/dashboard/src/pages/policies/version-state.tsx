import type { PolicyVersion } from '@assay/wire';
import { Badge } from '../../parts/badge.tsx';

/** In force, waiting for somebody to activate it, or of the past. */
export function VersionState({ version, inForce }: { version: PolicyVersion; inForce: number | undefined }) {
  if (version.inForceSince !== null) {
    return (
      <Badge tone="good" icon="check">
        In force
      </Badge>
    );
  }
  if (inForce === undefined || version.version > inForce) {
    return (
      <Badge tone="open" icon="hourglass">
        Waits for activation
      </Badge>
    );
  }
  return (
    <Badge tone="quiet" icon="clock">
      Earlier
    </Badge>
  );
}
