/** @throws RangeError unless `[start, end)` is inside the view */
export function checkRange(view: DataView, start: number, end: number): void {
  const whole = Number.isSafeInteger(start) && Number.isSafeInteger(end);
  if (!whole || start < 0 || end < start || end > view.byteLength) {
    throw new RangeError(`range ${start} to ${end} is not inside ${view.byteLength} bytes`);
  }
}
