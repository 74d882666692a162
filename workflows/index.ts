export { generateVideo } from './generateVideo.ts';
export { reconcileHolds } from './reconcileHolds.ts';
