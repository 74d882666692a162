import { actOnCards, followCards } from './cards.ts';
import { drawCharts } from './chart.ts';
import { tickClocks } from './clock.ts';
import { createForm } from './createForm.ts';
import { enterByLink } from './enter.ts';
import { grantForm } from './grant.ts';
import { reconcile } from './operate.ts';
import { localTimes } from './times.ts';
import { writeForm } from './writeForm.ts';

/** The one script of the console. Each part looks for what it works on, and does nothing on other pages. */

enterByLink();
localTimes(document);
tickClocks();
createForm();
followCards();
actOnCards();
writeForm();
drawCharts();
grantForm();
reconcile();
