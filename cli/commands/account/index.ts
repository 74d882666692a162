import type { AddCommand } from '../../command.ts';
import { addCredits } from './credits.ts';
import { addStatement } from './statement.ts';

export const ACCOUNT_COMMANDS: readonly AddCommand[] = [addCredits, addStatement];
