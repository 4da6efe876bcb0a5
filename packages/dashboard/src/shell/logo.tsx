/** A punch mark: the A of Assay over the tick of the assayer. */
export function Logo({ className }: { className: string }) {
  return (
    <svg
      aria-hidden="true"
      className={className}
      viewBox="0 0 32 32"
      fill="none"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path className="fill-ink" d="M10 1.5h12l8.5 8.5v12L22 30.5H10L1.5 22V10z" />
      <path className="stroke-paper" strokeWidth="2.6" d="M9.5 23 16 8l6.5 15" />
      <path className="stroke-mark" strokeWidth="2.6" d="m12.6 18.6 2.7 2.6 5.2-5.6" />
    </svg>
  );
}
