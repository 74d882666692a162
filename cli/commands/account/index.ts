import type { AddCommand } from '../../command.ts';
import { addCredits } from './credits.ts';

export const CREDITS_COMMANDS: readonly AddCommand[] = [addCredits];
