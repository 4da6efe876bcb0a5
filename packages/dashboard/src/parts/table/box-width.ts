import { type RefObject, useLayoutEffect, useRef, useState } from 'react';

const remPixels = (): number => Number.parseFloat(getComputedStyle(document.documentElement).fontSize);

/** Width of an element in rem and what a rem is in pixels, as both change; and the element to be measured. */
export function useBoxWidth(): readonly [width: number, rem: number, box: RefObject<HTMLDivElement | null>] {
  const box = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState(() => ({ width: 0, rem: remPixels() }));
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const measure = (): void => {
      const rem = remPixels();
      const width = element.clientWidth / rem;
      setSize((before) => (before.width === width && before.rem === rem ? before : { width, rem }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [size.width, size.rem, box];
}
