/**
 * A path on one line. The directory gives way first, because the file's name says more; all of it is in the title.
 * The name is a hint: the digest is what was proved.
 */
export function FilenameHint({ hint }: { hint: string }) {
  const cut = hint.lastIndexOf('/') + 1;
  return (
    <bdi title={hint} className="flex min-w-0 font-mono text-[0.82rem]">
      {cut > 0 && <span className="min-w-8 truncate text-muted">{hint.slice(0, cut)}</span>}
      <span className="max-w-[75%] shrink-0 truncate">{hint.slice(cut)}</span>
    </bdi>
  );
}
