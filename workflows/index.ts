export { deliverWebhook } from './deliverWebhook.ts';
export { generateVideo } from './generateVideo.ts';
export { reconcileHolds } from './reconcileHolds.ts';
