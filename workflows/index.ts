export { deliverWebhook } from './deliverWebhook.ts';
export { generateText } from './generateText.ts';
export { generateVideo } from './generateVideo.ts';
export { reconcileHolds } from './reconcileHolds.ts';
export { sweepProvider } from './sweepProvider.ts';
