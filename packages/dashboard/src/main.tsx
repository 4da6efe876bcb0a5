import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { eventStream, queryClient } from './api/live.ts';
import { router } from './router.tsx';
import { takeTokenFromAddress } from './state/operator-token.ts';
import { applyTheme } from './state/theme.ts';
import './style.css';

applyTheme();
takeTokenFromAddress();
eventStream.connect();

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
