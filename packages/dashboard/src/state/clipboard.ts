/** Puts text on the clipboard; resolves to whether it is there. */
export async function copyText(text: string): Promise<boolean> {
  // The clipboard interface exists on https and on loopback only; the page is often served by plain http in a lab.
  if (!window.isSecureContext) return copyBySelection(text);
  return navigator.clipboard.writeText(text).then(
    () => true,
    () => copyBySelection(text),
  );
}

function copyBySelection(text: string): boolean {
  const area = document.createElement('textarea');
  area.value = text;
  // A modal dialog makes all outside of it inert: the text must be selected inside.
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  // oxlint-disable-next-line typescript/no-deprecated -- nothing else copies without a secure context
  const copied = document.execCommand('copy');
  area.remove();
  return copied;
}
