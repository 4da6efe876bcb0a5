/** Milliseconds on a clock that all threads share. */
export function clock(): number {
  return performance.timeOrigin + performance.now();
}
