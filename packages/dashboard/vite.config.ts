import tailwind from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [react(), tailwind()],
  build: {
    outDir: '../verifier/public',
    emptyOutDir: true,
    // Browsers with `light-dark()` and set operations, so that both stay as written.
    target: ['chrome123', 'firefox127', 'safari17.5'],
    // The content security policy allows files of this origin only; nothing may become a data: address.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
