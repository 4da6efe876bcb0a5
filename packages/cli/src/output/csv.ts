/**
 * A line of RFC 4180. Fields are as they are: a spreadsheet may take one that begins with `=` for a formula, and only
 * the reader can know whether the file is for one.
 */
export function csvLine(fields: readonly (string | number)[]): string {
  return `${fields.map(csvField).join(',')}\r\n`;
}

function csvField(field: string | number): string {
  const text = String(field);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
