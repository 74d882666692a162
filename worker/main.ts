import { loadConfig } from '../config.ts';
import { buildWorkflowBundle } from './bundle.ts';
import { createDependencies } from './dependencies.ts';
import { runWorker } from './run.ts';

const config = loadConfig();
await runWorker(config, createDependencies(config), buildWorkflowBundle);
