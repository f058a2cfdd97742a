// Build of the web UI. Everything is a file of the same origin: the page runs under
// `Content-Security-Policy: default-src 'self'`, so no data: URLs and nothing inline.
import { defineConfig } from 'vite'

export default defineConfig({
  base: './',
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact', legalComments: 'none' },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    reportCompressedSize: false,
    rollupOptions: { output: { manualChunks: { plot: ['uplot'] } } },
  },
  server: { proxy: { '/api': process.env.BOURSE_URL ?? 'http://127.0.0.1:5050' } },
})
