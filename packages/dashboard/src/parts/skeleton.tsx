/** Grey lines where text will be. */
export function SkeletonRows({ rows }: { rows: number }) {
  return (
    <div role="status" className="space-y-6">
      <span className="sr-only">Loading</span>
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="flex items-center gap-4">
          <div className="skeleton size-9 shrink-0 rounded-full" />
          <div className="flex-1 space-y-2">
            <div className="skeleton h-3.5 w-1/3" />
            <div className="skeleton h-3 w-4/5" />
          </div>
        </div>
      ))}
    </div>
  );
}

export function SkeletonPanel() {
  return (
    <div role="status" className="card flex flex-col gap-8 p-6 sm:flex-row sm:items-center sm:px-10 sm:py-8">
      <span className="sr-only">Loading the hosts</span>
      <div className="skeleton size-28 shrink-0 rounded-full sm:size-40" />
      <div className="flex-1 space-y-4">
        <div className="skeleton h-4 w-28" />
        <div className="skeleton h-14 w-72 max-w-full" />
        <div className="skeleton h-5 w-full max-w-xl" />
      </div>
    </div>
  );
}
