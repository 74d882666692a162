import type { Story } from './story.ts';

/** Which pictures the documents show. */

interface View {
  readonly width: number;
  readonly height: number;
}

export const DESK: View = { width: 1200, height: 780 };
export const PHONE: View = { width: 390, height: 780 };

export interface Picture {
  /** Of its file, without `.png`. */
  readonly name: string;
  readonly view: View;
  readonly scheme: 'light' | 'dark';
  readonly path: (story: Story) => string;
  readonly isOperators?: boolean;
  /** What is there once the page has everything. */
  readonly ready: string;
  /** What stands at the top; the page's own top without it. */
  readonly from?: string;
}

const studio = { path: () => '/', ready: '.card.done video' };
const why = { path: ({ videoId }: Story) => `/console/videos/${videoId}`, ready: '.timeline li' };
const credits = { path: () => '/console/credits', ready: '.uplot canvas' };
const operate = { path: () => '/console/operate', isOperators: true, ready: 'main h2' };

export const PICTURES: readonly Picture[] = [
  { name: 'console-studio', view: DESK, scheme: 'light', ...studio },
  { name: 'console-studio-dark', view: DESK, scheme: 'dark', ...studio },
  { name: 'console-why', view: DESK, scheme: 'light', ...why },
  { name: 'console-credits', view: DESK, scheme: 'light', ...credits },
  { name: 'console-phone', view: PHONE, scheme: 'dark', from: '#videos', ...studio },
  { name: 'console-operate', view: DESK, scheme: 'light', ...operate },
];
