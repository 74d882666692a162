export { generateVideo } from './generateVideo.ts';
