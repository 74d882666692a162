import type { AddCommand } from '../../command.ts';
import { addAccount } from './account.ts';
import { addDoctor } from './doctor.ts';
import { addGrant } from './grant.ts';
import { addImport } from './import/index.ts';
import { addKey } from './key.ts';
import { addOverview } from './overview.ts';
import { addPrice } from './price.ts';
import { addReconcile } from './reconcile.ts';
import { addRefund } from './refund.ts';
import { addWhy } from './why.ts';

/** What an operator does, with the admin key. */
export const ADMIN_COMMANDS: readonly AddCommand[] = [
  ...[addPrice, addWhy, addOverview, addDoctor, addAccount],
  ...[addGrant, addRefund, addKey, addImport, addReconcile],
];
