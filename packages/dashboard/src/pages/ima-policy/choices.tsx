import type { KernelProfile } from '@assay/core/policy';
import { getRouteApi } from '@tanstack/react-router';
import { builtinText, DEFAULT_KERNEL, KERNELS } from './review.ts';
import { OPTIONS } from './search.ts';

const page = getRouteApi('/ima-policy');

export function Choices({ profile, onStart }: { profile: KernelProfile; onStart: (text: string) => void }) {
  const { kernel = DEFAULT_KERNEL, options = 'debian' } = page.useSearch();
  const navigate = page.useNavigate();
  return (
    <div className="mb-4 flex flex-wrap items-center gap-3">
      <label className="flex items-center gap-2 text-sm">
        <span className="text-muted">For Linux</span>
        <select
          value={kernel}
          onChange={({ target }) =>
            void navigate({ search: (before) => ({ ...before, kernel: target.value }), replace: true })
          }
          className="field"
        >
          {[...new Set([kernel, ...KERNELS])].map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
      </label>
      <label className="flex items-center gap-2 text-sm">
        <span className="text-muted">with the options of</span>
        <select
          value={options}
          onChange={({ target }) => {
            const chosen = OPTIONS.find((each) => each === target.value);
            void navigate({ search: (before) => ({ ...before, options: chosen }), replace: true });
          }}
          className="field"
        >
          {OPTIONS.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
      </label>
      <span className="text-sm text-muted">Start from</span>
      {['tcb', 'appraise_tcb', 'secure_boot'].map((name) => (
        <button key={name} type="button" className="button-quiet" onClick={() => onStart(builtinText(name, profile))}>
          ima_policy={name}
        </button>
      ))}
    </div>
  );
}
